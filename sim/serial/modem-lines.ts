/** Both outputs of a serial port, always set together: drivers reset the one you leave out. True is asserted. */
export interface ModemLines {
  readonly dtr: boolean;
  readonly rts: boolean;
}

/** What a change of the lines did to the chip. `held` keeps it in reset until the next change. */
export type LineEffect = 'none' | 'held' | 'reset-to-flash' | 'reset-to-download';

export interface LineCircuit {
  set(lines: ModemLines): LineEffect;
  /** Time has passed since the last change: a circuit with a capacitor may have let go by now. */
  settle(): LineEffect;
}

/**
 * How long the capacitor at EN keeps the chip in reset after both transistors are off.
 *
 * Milliseconds on a real board; longer here, so that lines changed over a network, a round trip each, still make
 * the sequence that a local port makes at once. Every reset sequence in use changes the next line well before.
 */
export const EN_HOLD_MS = 400;

/**
 * The two transistors between a UART bridge and the chip. Source: ESP32-DevKitC schematics, auto program.
 *
 * DTR alone pulls the boot pin low, RTS alone pulls EN low, both together do neither. A chip samples the boot pin
 * when EN rises.
 */
export class AutoResetCircuit implements LineCircuit {
  #inReset = false;
  #lines: ModemLines = { dtr: false, rts: false };

  set(lines: ModemLines): LineEffect {
    this.#lines = lines;
    if (lines.rts && !lines.dtr) {
      this.#inReset = true;
      return 'held';
    }
    if (!this.#inReset) return 'none';
    // Both asserted: EN floats up, but its capacitor still holds it.
    return lines.rts ? 'held' : this.#release();
  }

  settle(): LineEffect {
    return this.#inReset && this.#lines.rts && this.#lines.dtr ? this.#release() : 'none';
  }

  #release(): LineEffect {
    this.#inReset = false;
    return this.#lines.dtr && !this.#lines.rts ? 'reset-to-download' : 'reset-to-flash';
  }
}

/**
 * The USB-Serial/JTAG peripheral, which has no pins to pull. Source: ESP32-C3 TRM, USB Serial/JTAG, reset by DTR and RTS.
 *
 * DTR without RTS sets a flag, both off clears it; RTS without DTR resets, into download mode when the flag is set.
 */
export class UsbSerialJtagLines implements LineCircuit {
  #download = false;

  set({ dtr, rts }: ModemLines): LineEffect {
    if (dtr === rts) {
      if (!dtr) this.#download = false;
      return 'none';
    }
    if (dtr) {
      this.#download = true;
      return 'none';
    }
    return this.#download ? 'reset-to-download' : 'reset-to-flash';
  }

  settle(): LineEffect {
    return 'none';
  }
}
