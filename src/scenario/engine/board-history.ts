import type { StampedEvent } from '../fleet-event.ts';

const EVENTS_KEPT = 16;
/** Histories of larger fleets would cost more than they tell; the trace has them. */
const BOARDS_MAX = 20_000;

/** The last few events of each board, for the report of a failure. */
export class BoardHistory {
  readonly #events = new Map<string, StampedEvent[]>();

  onEvent(event: StampedEvent): void {
    if (event.kind === 'fault') {
      for (const board of event.boards) this.#keep(board, event);
      return;
    }
    this.#keep(event.board, event);
  }

  of(board: string): readonly StampedEvent[] {
    return this.#events.get(board) ?? [];
  }

  #keep(board: string, event: StampedEvent): void {
    const kept = this.#events.get(board);
    if (kept === undefined) {
      if (this.#events.size < BOARDS_MAX) this.#events.set(board, [event]);
    } else {
      kept.push(event);
      if (kept.length > EVENTS_KEPT) kept.shift();
    }
  }
}

/** One event in words, without its board. */
export function describeEvent(event: StampedEvent): string {
  switch (event.kind) {
    case 'boot':
      return event.slot === null
        ? `reset (${event.resetReason}): nothing to boot`
        : `boots ${event.application} ${event.version} from ${event.slot} (${event.resetReason})${event.rolledBack ? ', rolled back' : ''}`;
    case 'confirm':
      return `confirms ${shortDigest(event.digest)}`;
    case 'evidence':
      return `sends evidence (${event.session})`;
    case 'offer':
      return `is offered ${shortDigest(event.digest)} (${event.session})${event.busy ? ' while busy' : ''}`;
    case 'write-begin':
      return `begins to write ${shortDigest(event.digest)} at byte ${event.offsetBytes}${event.deltaFrom === undefined ? '' : ', by a delta'} (${event.session})`;
    case 'write-end':
      return `ends writing: ${event.result}${event.code === undefined ? '' : ` (${event.code})`}`;
    case 'power':
      return event.on ? 'power on' : 'power off';
    case 'fault':
      return `${event.fault} ${event.on ? 'begins' : 'is over'}`;
    default:
      return event.kind;
  }
}

function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}
