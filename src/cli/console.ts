import type { EventEmitter } from 'node:events';

/** Where a command prints, and what it may do there. */
export interface Console {
  /** Results: standard output. */
  readonly out: (text: string) => void;
  /** Progress and complaints: standard error. */
  readonly err: (text: string) => void;
  /** Progress may be redrawn in place. */
  readonly live: boolean;
  /** Colours on standard error, and on standard output. */
  readonly color: boolean;
  readonly outColor: boolean;
  readonly columns: number;
  /** Real milliseconds from some start. */
  readonly nowMs: () => number;
  /** Aborted by Ctrl-C or a request to end. */
  readonly interrupted: AbortSignal;
}

/** The process's own console. NO_COLOR and TERM=dumb are honoured. Source: no-color.org. */
export function processConsole(): Console {
  const { stdout, stderr, env } = process;
  const dumb = env.TERM === 'dumb';
  const colors = !dumb && (env.NO_COLOR ?? '') === '';
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    live: stderr.isTTY === true && !dumb,
    color: stderr.isTTY === true && colors,
    outColor: stdout.isTTY === true && colors,
    columns: stderr.columns ?? 80,
    nowMs: () => performance.now(),
    interrupted: interruption(process),
  };
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** A terminal signals every process of a command; one that comes through the launcher comes a moment later again. */
const ECHO_MS = 500;

/** The first signal ends the run cleanly; a second one, by the default handler, ends the process. */
export function interruption(source: EventEmitter): AbortSignal {
  const controller = new AbortController();
  const hear = (signal: string): void => {
    if (controller.signal.aborted) return;
    controller.abort(new Error(`interrupted by ${signal}`));
    setTimeout(() => {
      for (const name of SIGNALS) source.off(name, hear);
    }, ECHO_MS).unref();
  };
  for (const signal of SIGNALS) source.on(signal, hear);
  return controller.signal;
}

/** Settles at the first signal; at once when it has come already. */
export function untilInterrupted({ interrupted }: Console): Promise<void> {
  return new Promise((resolve) => {
    if (interrupted.aborted) resolve();
    else interrupted.addEventListener('abort', () => resolve(), { once: true });
  });
}

export type Tone = 'good' | 'bad' | 'warning' | 'info' | 'soft' | 'strong';

const CODES: Readonly<Record<Tone, string>> = {
  good: '32',
  bad: '31',
  warning: '33',
  info: '36',
  soft: '2',
  strong: '1',
};

/** Wraps text in a colour, where colours are wanted. */
export function painter(color: boolean): (tone: Tone, text: string) => string {
  return (tone, text) => (color ? `\u001b[${CODES[tone]}m${text}\u001b[0m` : text);
}
