import type { StampedEvent } from '../fleet-event.ts';
import type { ClusterChange } from './cluster-view.ts';
import type { FleetView } from './fleet-view.ts';
import { type Note, TOLD_ONE_BY_ONE } from './note.ts';

type Draft = Omit<Note, 'atMs'>;

/** Jobs that nobody's rollout made are told one by one up to here: a story's author wrote each of them. */
const JOBS_TOLD = 40;

/** Turns events and changes into the few lines that people want to read. */
export class Narrator {
  readonly #fleet: FleetView;
  readonly #tell: (note: Note) => void;
  readonly #told = new Map<string, number>();
  readonly #running = new Map<string, { application: string; version: string; confirmed: string }>();

  constructor(fleet: FleetView, tell: (note: Note) => void) {
    this.#fleet = fleet;
    this.#tell = tell;
  }

  onEvent(event: StampedEvent): void {
    const { atMs } = event;
    if (event.kind === 'fault') {
      const many = event.boards.length;
      const where = many === 0 ? '' : many === 1 ? ` on ${event.boards[0]}` : ` on ${many} boards`;
      this.#tell({
        atMs,
        topic: 'fault',
        tone: event.on ? 'warning' : 'info',
        text: `${event.fault}${where} ${event.on ? 'begins' : 'is over'}`,
      });
    } else if (event.kind === 'boot') this.#onBoot(event);
    else if (event.kind === 'confirm') this.#onConfirm(event);
  }

  #onBoot(event: Extract<StampedEvent, { kind: 'boot' }>): void {
    const { atMs, board, application, version } = event;
    const before = this.#running.get(board);
    this.#running.set(board, { application, version, confirmed: before?.confirmed ?? application });
    if (event.slot === null)
      this.#tell({ atMs, topic: 'board', tone: 'bad', board, text: `${board} is a brick: nothing boots` });
    else if (event.rolledBack && before !== undefined) {
      const chip = this.#fleet.board(board)?.chip ?? '';
      const text = `${board} (${chip}) gave up ${before.application} ${before.version} and is back on ${version} (${event.resetReason})`;
      this.#tellSome(atMs, `rolled back from ${before.version}`, {
        topic: 'board',
        tone: 'warning',
        board,
        text,
      });
    }
  }

  #onConfirm(event: Extract<StampedEvent, { kind: 'confirm' }>): void {
    const { atMs, board } = event;
    const now = this.#running.get(board);
    if (now === undefined || now.confirmed === now.application) return;
    const text = `${board} was ${now.confirmed} and is ${now.application} ${now.version} now`;
    now.confirmed = now.application;
    this.#tellSome(atMs, `became ${now.application}`, { topic: 'board', tone: 'good', board, text });
  }

  onChange(change: ClusterChange, atMs: number): void {
    if (change.of === 'rollout') this.#onRollout(change, atMs);
    else if (change.of === 'job') this.#onJob(change, atMs);
    else if (change.of === 'device') this.#onDevice(change, atMs);
  }

  #onRollout(change: Extract<ClusterChange, { of: 'rollout' }>, atMs: number): void {
    const { metadata, spec, status } = change.object;
    const name = metadata.name;
    const tell = (tone: Note['tone'], text: string): void =>
      this.#tell({ atMs, topic: 'rollout', tone, text });
    if (change.type === 'deleted') {
      tell('info', `rollout ${name} was deleted`);
      return;
    }
    if (change.type === 'added') {
      const waves = spec.waves.map((wave) => `${wave.percent}%`).join(', ');
      tell('info', `rollout ${name}: ${spec.firmware} in waves of ${waves}`);
    }
    const before = change.previous?.status;
    for (const [index, wave] of (status?.waves ?? []).entries()) {
      const was = before?.waves?.[index]?.gate ?? 'Waiting';
      if (wave.gate === was) continue;
      const title = `${name}, wave ${index + 1} (${wave.percent}%)`;
      if (was === 'Waiting') tell('info', `${title} begins: ${wave.devices} devices`);
      const tally = `${wave.confirmed} confirmed, ${wave.failed} failed, ${wave.excluded} excluded`;
      if (wave.gate === 'Baking') tell('info', `${title} is baking: ${tally}`);
      if (wave.gate === 'Passed') tell('good', `${title} passed its gate: ${tally}`);
      if (wave.gate === 'Failed') tell('bad', `${title} failed its gate: ${tally}`);
    }
    if (status?.phase === undefined || status.phase === before?.phase) return;
    const tones = {
      Progressing: 'info',
      Paused: 'info',
      Reverting: 'warning',
      Completed: 'good',
      Aborted: 'bad',
    };
    const message = status.message === undefined ? '' : `: ${status.message}`;
    tell(tones[status.phase] as Note['tone'], `rollout ${name} is ${status.phase}${message}`);
  }

  #onJob(change: Extract<ClusterChange, { of: 'job' }>, atMs: number): void {
    const { metadata, spec, status } = change.object;
    // Jobs that a rollout made are told as its waves.
    if (metadata.ownerReferences?.some((owner) => owner.kind === 'FirmwareRollout')) return;
    if (change.type === 'added') {
      const text = `job ${metadata.name}: ${spec.firmware} on ${spec.uuid.length} devices`;
      this.#tellSome(atMs, 'jobs', { topic: 'job', tone: 'info', text }, JOBS_TOLD);
    }
    if (status?.phase === undefined || status.phase === change.previous?.status?.phase) return;
    if (status.phase === 'InProgress') return;
    const tone = status.phase === 'Completed' ? 'good' : 'bad';
    const message = status.message === undefined ? '' : `: ${status.message}`;
    const text = `job ${metadata.name} is ${status.phase}${message}`;
    this.#tellSome(atMs, 'jobs ended', { topic: 'job', tone, text }, JOBS_TOLD);
  }

  #onDevice(change: Extract<ClusterChange, { of: 'device' }>, atMs: number): void {
    if (change.type === 'deleted') return;
    this.#onLiar(change, atMs);
    const known = change.previous?.status?.impostors ?? [];
    for (const impostor of change.object.status?.impostors ?? []) {
      if (known.some((entry) => entry.instance === impostor.instance)) continue;
      const victim =
        this.#fleet.boardOfDevice(change.object.metadata.name)?.name ?? change.object.metadata.name;
      const text = `a board that claims to be ${victim} was refused (${impostor.code})`;
      this.#tellSome(atMs, 'impostors', { topic: 'identity', tone: 'good', text });
    }
  }

  /** A board that is enrolled and lies has its own twin, and the refusal stands there. */
  #onLiar(change: Extract<ClusterChange, { of: 'device' }>, atMs: number): void {
    const liar = this.#fleet.liarOfDevice(change.object.metadata.name);
    if (liar === undefined) return;
    const refusal = (of: typeof change.previous): string | undefined =>
      of?.status?.conditions?.find((entry) => entry.type === 'Attested' && entry.status === 'False')?.reason;
    const now = refusal(change.object);
    if (now === undefined || now === refusal(change.previous)) return;
    const text = `evidence of ${liar.name} was refused (${now})`;
    this.#tellSome(atMs, 'evidence refused', { topic: 'identity', tone: 'good', board: liar.name, text });
  }

  /** The first few of a kind one by one, then a line at each tenfold. */
  #tellSome(atMs: number, kind: string, note: Draft, oneByOne = TOLD_ONE_BY_ONE): void {
    const count = (this.#told.get(kind) ?? 0) + 1;
    this.#told.set(kind, count);
    if (count <= oneByOne) this.#tell({ atMs, ...note });
    else if (/^10*$/.test(String(count)))
      this.#tell({ atMs, topic: note.topic, tone: note.tone, text: `… ${count} so far: ${kind}` });
  }
}
