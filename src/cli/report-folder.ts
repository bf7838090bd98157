import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { makeHtml } from '../scenario/report/html/page.ts';
import { makeJunit } from '../scenario/report/junit.ts';
import type { Report } from '../scenario/report/report-json.ts';
import type { RunResult } from '../scenario/result.ts';
import { UsageError } from './failure.ts';

/**
 * The folder a run writes: what an earlier run left there is replaced, other files are left alone.
 *
 * Until `write` the earlier run's files stand as they are, and the trace grows beside them.
 */
export class ReportFolder {
  readonly path: string;
  /** The trace while it grows. */
  readonly draftPath: string;
  readonly #trace: number;
  #isOpen = true;
  /** The topmost folder that had to be made; undefined: all were there. */
  readonly #made: string | undefined;

  constructor(path: string) {
    this.path = path;
    this.draftPath = join(path, 'trace.ndjson.part');
    try {
      this.#made = mkdirSync(path, { recursive: true });
      this.#trace = openSync(this.draftPath, 'w');
    } catch (error) {
      throw new UsageError(`cannot write the report to ${path}: ${(error as Error).message}`);
    }
  }

  get replayPath(): string {
    return join(this.path, 'replay.yaml');
  }

  readonly traceSink = (chunk: string): void => {
    writeSync(this.#trace, chunk);
  };

  write(result: RunResult, report: Report, replay: string | undefined): void {
    const put = (name: string, text: string): void => writeFileSync(join(this.path, name), text);
    this.close();
    // A replay of an earlier failure beside a report that passed would lie.
    rmSync(this.replayPath, { force: true });
    renameSync(this.draftPath, join(this.path, 'trace.ndjson'));
    put('report.json', `${JSON.stringify(report, null, 2)}\n`);
    put('report.html', makeHtml(result, report.version, report.replay));
    put('junit.xml', makeJunit(result));
    if (replay !== undefined) put('replay.yaml', replay);
  }

  /** Idempotent. */
  close(): void {
    if (this.#isOpen) closeSync(this.#trace);
    this.#isOpen = false;
  }

  /** Takes back what a story left that could not be told: its trace, and the folders made for it. */
  discard(): void {
    rmSync(this.draftPath, { force: true });
    if (this.#made === undefined) return;
    for (let path = resolve(this.path); readdirSync(path).length === 0; path = dirname(path)) {
      rmdirSync(path);
      if (path === resolve(this.#made)) return;
    }
  }
}
