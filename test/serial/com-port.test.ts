import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ComPortSession } from '../../sim/serial/com-port.ts';
import { escapeTelnet, TelnetDecoder, telnetSubnegotiation } from '../../sim/serial/telnet.ts';

interface Client {
  readonly session: ComPortSession;
  readonly seen: string[];
  /** What the server sent since the last call, in hex. */
  replies(): string;
}

function client(): Client {
  const seen: string[] = [];
  const sent: Uint8Array[] = [];
  const session = new ComPortSession(
    {
      receive: (bytes) => void seen.push(`data ${Buffer.from(bytes).toString('hex')}`),
      setModemLines: ({ dtr, rts }) => void seen.push(`dtr ${dtr ? 1 : 0} rts ${rts ? 1 : 0}`),
      setHostBaudRate: (rate) => void seen.push(`baud ${rate}`),
    },
    (bytes) => void sent.push(bytes),
  );
  return { session, seen, replies: () => Buffer.concat(sent.splice(0)).toString('hex') };
}

const hex = (text: string): Uint8Array => Buffer.from(text, 'hex');

test('the server offers binary, suppress-go-ahead and the com port, and agrees once', () => {
  const { session, replies } = client();
  expect(replies()).toBe('fffb00fffd00fffb03fffd03fffb2cfffd2c');
  session.receive(hex('fffd2cfffb2cfffd00'));
  expect(replies()).toBe('');
  session.receive(hex('fffd01fffb18'));
  expect(replies()).toBe('fffc01fffe18');
});

test('every setting is answered after it took effect', () => {
  const { session, seen, replies } = client();
  replies();
  session.receive(hex('fffa2c0100070800fff0'));
  expect(replies()).toBe('fffa2c6500070800fff0');
  session.receive(hex('fffa2c0508fff0fffa2c050bfff0fffa2c0509fff0'));
  expect(replies()).toBe('fffa2c6908fff0fffa2c690bfff0fffa2c6909fff0');
  expect(seen).toEqual(['baud 460800', 'dtr 1 rts 0', 'dtr 1 rts 1', 'dtr 0 rts 1']);
  session.receive(hex('fffa2c0100000000fff0fffa2c0507fff0'));
  expect(replies()).toBe('fffa2c6500070800fff0fffa2c6909fff0');
  session.receive(hex('fffa2c0c03fff0'));
  expect(replies()).toBe('fffa2c7003fff0');
});

test('data goes both ways with its IACs doubled', () => {
  const { session, seen, replies } = client();
  replies();
  session.receive(hex('01ffff02'));
  expect(seen).toEqual(['data 01ff02']);
  session.deliver(hex('03ff04'));
  expect(replies()).toBe('03ffff04');
});

test('a client that suspends the flow gets everything when it resumes', () => {
  const { session, replies } = client();
  replies();
  session.receive(hex('fffa2c08fff0'));
  session.deliver(hex('0102'));
  expect(replies()).toBe('');
  session.receive(hex('fffa2c09fff0'));
  expect(replies()).toBe('0102');
});

test('a telnet stream is read the same wherever it is cut', () => {
  const stream = Buffer.concat([
    hex('aa'),
    telnetSubnegotiation(44, hex('05ff08')),
    escapeTelnet(hex('ff00ff')),
    hex('fffb03'),
  ]);
  for (let cut = 0; cut <= stream.length; cut++) {
    const decoder = new TelnetDecoder();
    const events = [...decoder.push(stream.subarray(0, cut)), ...decoder.push(stream.subarray(cut))];
    const data = events.flatMap((event) => (event.kind === 'data' ? [...event.bytes] : []));
    expect(data, `cut at ${cut}`).toEqual([0xaa, 0xff, 0x00, 0xff]);
    expect(events.filter(({ kind }) => kind !== 'data')).toEqual([
      { kind: 'subnegotiation', option: 44, bytes: Uint8Array.from(hex('05ff08')) },
      { kind: 'option', verb: 0xfb, option: 3 },
    ]);
  }
});

test('any bytes at all are taken without a throw', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), (chunks) => {
      const { session } = client();
      for (const chunk of chunks)
        session.receive(Uint8Array.of(0xff, 0xfa, 44, ...chunk, 0xff, 0xf0, ...chunk));
    }),
    { numRuns: 1000 },
  );
});
