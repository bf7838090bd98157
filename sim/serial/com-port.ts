import type { ModemLines } from './modem-lines.ts';
import {
  escapeTelnet,
  TELNET,
  TELNET_OPTION,
  TelnetDecoder,
  type TelnetEvent,
  telnetOption,
  telnetSubnegotiation,
} from './telnet.ts';

/** Client commands of the COM-PORT-OPTION; a server answers with 100 more. Source: RFC 2217, section 3. */
const COMMAND = {
  signature: 0,
  setBaudRate: 1,
  setDataSize: 2,
  setParity: 3,
  setStopSize: 4,
  setControl: 5,
  notifyModemState: 7,
  flowSuspend: 8,
  flowResume: 9,
  setLineStateMask: 10,
  setModemStateMask: 11,
  purgeData: 12,
} as const;
const ANSWER = 100;

/** Values of SET-CONTROL that touch the modem lines. Source: RFC 2217, section 3. */
const CONTROL = { requestDtr: 7, dtrOn: 8, dtrOff: 9, requestRts: 10, rtsOn: 11, rtsOff: 12 } as const;
/** Answers to requests for settings that a board's port does not have: no flow control, break off. */
const CONTROL_REQUESTS: Readonly<Record<number, number>> = { 0: 1, 4: 6, 13: 14 };

/** Clear to send, data set ready and carrier: what a port with a board behind it shows. Source: RFC 2217, NOTIFY-MODEMSTATE. */
const MODEM_STATE = 0xb0;
const DEFAULT_BAUD_RATE = 115_200;
/** Deliveries kept for a client that asked for a pause; what comes after them is lost, as in a port's buffer. */
const SUSPENDED_MAX = 1024;
const SIGNATURE = 'brickproof virtual board';

/** The port behind the option: what a client can do to a board. */
export interface SerialPort {
  receive(bytes: Uint8Array): void;
  setModemLines(lines: ModemLines): void;
  setHostBaudRate(bitsPerSecond: number): void;
}

/**
 * One client's session with an RFC 2217 server, as a machine: bytes from the client in, bytes for it out.
 *
 * Every command is answered after it took effect, which is how a client far away paces its reset sequence.
 */
export class ComPortSession {
  readonly #port: SerialPort;
  readonly #reply: (bytes: Uint8Array) => void;
  readonly #decoder = new TelnetDecoder();
  /** Options each side has on, by verb: what was agreed is not agreed again. */
  readonly #agreed = new Set<string>();
  #lines: ModemLines = { dtr: false, rts: false };
  #baudRate = DEFAULT_BAUD_RATE;
  #settings = new Map<number, number>();
  #suspended: Uint8Array[] | undefined;

  constructor(port: SerialPort, reply: (bytes: Uint8Array) => void) {
    this.#port = port;
    this.#reply = reply;
    for (const option of [TELNET_OPTION.binary, TELNET_OPTION.suppressGoAhead, TELNET_OPTION.comPort]) {
      this.#agree(TELNET.will, option);
      this.#agree(TELNET.do, option);
    }
  }

  receive(bytes: Uint8Array): void {
    for (const event of this.#decoder.push(bytes)) this.#take(event);
  }

  /** Passes on what the board sent. */
  deliver(bytes: Uint8Array): void {
    const escaped = escapeTelnet(bytes);
    if (this.#suspended === undefined) this.#reply(escaped);
    else if (this.#suspended.length < SUSPENDED_MAX) this.#suspended.push(escaped);
  }

  #take(event: TelnetEvent): void {
    if (event.kind === 'data') this.#port.receive(event.bytes);
    else if (event.kind === 'option') this.#negotiate(event.verb, event.option);
    else if (event.option === TELNET_OPTION.comPort && event.bytes.length > 0)
      this.#command(event.bytes[0] ?? 0, event.bytes.subarray(1));
  }

  #negotiate(verb: number, option: number): void {
    const known =
      option === TELNET_OPTION.binary ||
      option === TELNET_OPTION.suppressGoAhead ||
      option === TELNET_OPTION.comPort;
    if (verb === TELNET.do) {
      if (known) this.#agree(TELNET.will, option);
      else this.#reply(telnetOption(TELNET.wont, option));
    } else if (verb === TELNET.will) {
      if (known) this.#agree(TELNET.do, option);
      else this.#reply(telnetOption(TELNET.dont, option));
    }
  }

  #agree(verb: number, option: number): void {
    const key = `${verb} ${option}`;
    if (this.#agreed.has(key)) return;
    this.#agreed.add(key);
    this.#reply(telnetOption(verb, option));
  }

  #command(command: number, value: Uint8Array): void {
    switch (command) {
      case COMMAND.signature:
        if (value.length === 0) this.#answer(command, Buffer.from(SIGNATURE, 'latin1'));
        break;
      case COMMAND.setBaudRate:
        this.#setBaudRate(value);
        break;
      case COMMAND.setDataSize:
      case COMMAND.setParity:
      case COMMAND.setStopSize: {
        const asked = value[0] ?? 0;
        const usual = command === COMMAND.setDataSize ? 8 : 1;
        if (asked !== 0) this.#settings.set(command, asked);
        this.#answer(command, Uint8Array.of(this.#settings.get(command) ?? usual));
        break;
      }
      case COMMAND.setControl:
        this.#answer(command, Uint8Array.of(this.#setControl(value[0] ?? 0)));
        break;
      case COMMAND.flowSuspend:
        this.#suspended ??= [];
        break;
      case COMMAND.flowResume: {
        const waiting = this.#suspended ?? [];
        this.#suspended = undefined;
        for (const bytes of waiting) this.#reply(bytes);
        break;
      }
      case COMMAND.setModemStateMask:
        this.#answer(command, value.slice(0, 1));
        this.#answer(COMMAND.notifyModemState, Uint8Array.of(MODEM_STATE & (value[0] ?? 0xff)));
        break;
      case COMMAND.notifyModemState:
        this.#answer(command, Uint8Array.of(MODEM_STATE));
        break;
      case COMMAND.setLineStateMask:
      case COMMAND.purgeData:
        this.#answer(command, value.slice(0, 1));
        break;
    }
  }

  #setBaudRate(value: Uint8Array): void {
    const asked = value.length === 4 ? Buffer.from(value).readUInt32BE(0) : 0;
    if (asked !== 0) {
      this.#baudRate = asked;
      this.#port.setHostBaudRate(asked);
    }
    const answer = Buffer.alloc(4);
    answer.writeUInt32BE(this.#baudRate);
    this.#answer(COMMAND.setBaudRate, answer);
  }

  #setControl(value: number): number {
    switch (value) {
      case CONTROL.dtrOn:
      case CONTROL.dtrOff:
        this.#setLines({ ...this.#lines, dtr: value === CONTROL.dtrOn });
        return value;
      case CONTROL.rtsOn:
      case CONTROL.rtsOff:
        this.#setLines({ ...this.#lines, rts: value === CONTROL.rtsOn });
        return value;
      case CONTROL.requestDtr:
        return this.#lines.dtr ? CONTROL.dtrOn : CONTROL.dtrOff;
      case CONTROL.requestRts:
        return this.#lines.rts ? CONTROL.rtsOn : CONTROL.rtsOff;
      default:
        return CONTROL_REQUESTS[value] ?? value;
    }
  }

  #setLines(lines: ModemLines): void {
    this.#lines = lines;
    this.#port.setModemLines(lines);
  }

  #answer(command: number, value: Uint8Array): void {
    this.#reply(telnetSubnegotiation(TELNET_OPTION.comPort, Uint8Array.of(command + ANSWER, ...value)));
  }
}
