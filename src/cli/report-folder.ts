import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { makeHtml } from '../scenario/report/html/page.ts';
import { makeJunit } from '../scenario/report/junit.ts';
import type { Report } from '../scenario/report/report-json.ts';
import type { RunResult } from '../scenario/result.ts';
import { UsageError } from './failure.ts';

/** The folder a run writes: what an earlier run left there is replaced, other files are left alone. */
export class ReportFolder {
  readonly path: string;
  readonly #trace: number;

  constructor(path: string) {
    this.path = path;
    try {
      mkdirSync(path, { recursive: true });
      // A replay of an earlier failure beside a report that passed would lie.
      rmSync(this.replayPath, { force: true });
      this.#trace = openSync(join(path, 'trace.ndjson'), 'w');
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
    put('report.json', `${JSON.stringify(report, null, 2)}\n`);
    put('report.html', makeHtml(result, report.version, report.replay));
    put('junit.xml', makeJunit(result));
    if (replay !== undefined) put('replay.yaml', replay);
  }

  close(): void {
    closeSync(this.#trace);
  }

  /** Takes back what a story left that could not be told; a folder that held something else stays. */
  discard(): void {
    rmSync(join(this.path, 'trace.ndjson'), { force: true });
    if (readdirSync(this.path).length === 0) rmdirSync(this.path);
  }
}
