/** Telnet commands and options. Source: RFC 854, RFC 855, RFC 856, RFC 858, RFC 2217. */
export const TELNET = {
  subnegotiationEnd: 0xf0,
  subnegotiation: 0xfa,
  will: 0xfb,
  wont: 0xfc,
  do: 0xfd,
  dont: 0xfe,
  iac: 0xff,
} as const;

export const TELNET_OPTION = { binary: 0, suppressGoAhead: 3, comPort: 44 } as const;

/** Longest subnegotiation kept; RFC 2217's have a few bytes, a signature some dozens. */
const SUBNEGOTIATION_MAX = 256;

export type TelnetEvent =
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  /** `verb` is WILL, WONT, DO or DONT. */
  | { readonly kind: 'option'; readonly verb: number; readonly option: number }
  | { readonly kind: 'subnegotiation'; readonly option: number; readonly bytes: Uint8Array };

type State = 'data' | 'iac' | 'verb' | 'subnegotiation' | 'subnegotiation-iac';

/** Takes a telnet stream apart, cut anywhere. Commands that carry nothing are dropped; it never throws. */
export class TelnetDecoder {
  #state: State = 'data';
  #verb = 0;
  #collected: number[] = [];

  push(chunk: Uint8Array): TelnetEvent[] {
    const events: TelnetEvent[] = [];
    let data: number[] = [];
    const flush = (): void => {
      if (data.length > 0) events.push({ kind: 'data', bytes: Uint8Array.from(data) });
      data = [];
    };
    for (const byte of chunk) {
      switch (this.#state) {
        case 'data':
          if (byte === TELNET.iac) this.#state = 'iac';
          else data.push(byte);
          break;
        case 'iac':
          this.#state = 'data';
          if (byte === TELNET.iac) data.push(byte);
          else if (byte >= TELNET.will && byte <= TELNET.dont) {
            this.#verb = byte;
            this.#state = 'verb';
          } else if (byte === TELNET.subnegotiation) {
            this.#collected = [];
            this.#state = 'subnegotiation';
          }
          break;
        case 'verb':
          flush();
          events.push({ kind: 'option', verb: this.#verb, option: byte });
          this.#state = 'data';
          break;
        case 'subnegotiation':
          if (byte === TELNET.iac) this.#state = 'subnegotiation-iac';
          else this.#collect(byte);
          break;
        case 'subnegotiation-iac':
          this.#state = 'subnegotiation';
          if (byte === TELNET.iac) this.#collect(byte);
          else if (byte === TELNET.subnegotiationEnd) {
            this.#state = 'data';
            const [option, ...rest] = this.#collected;
            flush();
            if (option !== undefined)
              events.push({ kind: 'subnegotiation', option, bytes: Uint8Array.from(rest) });
          }
          break;
      }
    }
    flush();
    return events;
  }

  #collect(byte: number): void {
    if (this.#collected.length < SUBNEGOTIATION_MAX) this.#collected.push(byte);
  }
}

/** Data as it goes over telnet: an IAC in it is doubled. */
export function escapeTelnet(bytes: Uint8Array): Uint8Array {
  const count = bytes.reduce((sum, byte) => sum + (byte === TELNET.iac ? 1 : 0), 0);
  if (count === 0) return bytes;
  const escaped = new Uint8Array(bytes.length + count);
  let at = 0;
  for (const byte of bytes) {
    escaped[at++] = byte;
    if (byte === TELNET.iac) escaped[at++] = byte;
  }
  return escaped;
}

export function telnetOption(verb: number, option: number): Uint8Array {
  return Uint8Array.of(TELNET.iac, verb, option);
}

export function telnetSubnegotiation(option: number, bytes: Uint8Array): Uint8Array {
  const body = escapeTelnet(bytes);
  return Uint8Array.of(
    TELNET.iac,
    TELNET.subnegotiation,
    option,
    ...body,
    TELNET.iac,
    TELNET.subnegotiationEnd,
  );
}
