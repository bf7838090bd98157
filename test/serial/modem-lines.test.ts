import { expect, test } from 'vitest';
import { AutoResetCircuit, type LineCircuit, UsbSerialJtagLines } from '../../sim/serial/modem-lines.ts';

/** Steps as esptool writes them: D and R with 0 or 1, U with both; W lets time pass. Source: esptool, reset.py. */
function play(circuit: LineCircuit, steps: string): string {
  let lines = { dtr: false, rts: false };
  let last = '';
  for (const step of steps.split(' ')) {
    if (step === 'W') {
      const effect = circuit.settle();
      if (effect !== 'none') last = effect;
      continue;
    }
    if (step.startsWith('D')) lines = { ...lines, dtr: step === 'D1' };
    else if (step.startsWith('R')) lines = { ...lines, rts: step === 'R1' };
    else lines = { dtr: step[1] === '1', rts: step[2] === '1' };
    const effect = circuit.set(lines);
    if (effect !== 'none') last = effect;
  }
  return last;
}

test('the classic sequence ends in download mode, one line at a time', () => {
  expect(play(new AutoResetCircuit(), 'D0 R1 W D1 R0 W D0')).toBe('reset-to-download');
});

test('both lines in one call, as on a local port, end in download mode too', () => {
  expect(play(new AutoResetCircuit(), 'U00 U11 U01 W U10 W U00')).toBe('reset-to-download');
});

test('a pulse on RTS alone starts the application', () => {
  expect(play(new AutoResetCircuit(), 'D0 R0 R1 W R0')).toBe('reset-to-flash');
});

test('opening a port that raises both lines does not reset the chip', () => {
  expect(play(new AutoResetCircuit(), 'U11 W U00')).toBe('');
});

test('EN rises by itself when both lines stay asserted, with the boot pin up', () => {
  expect(play(new AutoResetCircuit(), 'D0 R1 D1 W')).toBe('reset-to-flash');
});

test('USB-Serial/JTAG enters download mode by its own sequence and not by the classic one', () => {
  expect(play(new UsbSerialJtagLines(), 'R0 D0 W D1 R0 W R1 D0 R1 W D0 R0')).toBe('reset-to-download');
  expect(play(new UsbSerialJtagLines(), 'D0 R1 W D1 R0 W D0')).toBe('reset-to-flash');
});
