import type { SerialReader } from './loader-hardware.ts';

const NUL = 0x00;
const BACKSPACE = 0x08;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * What an ESP32 falls into when its loader is left without a program: the ROM's BASIC, as far as a serial host
 * that expects a loader meets it. It echoes; it does not interpret.
 */
export class BasicConsole implements SerialReader {
  readonly #send: (text: string) => void;

  constructor(send: (text: string) => void) {
    this.#send = send;
    send('Falling back to built-in command interpreter.\r\nOK\r\n>');
  }

  receive(byte: number): void {
    if (byte === NUL) return;
    if (byte === BACKSPACE) this.#send('\b \b');
    else if (byte === RETURN || byte === NEWLINE) this.#send('\r\n>');
    else this.#send(String.fromCharCode(byte));
  }
}
