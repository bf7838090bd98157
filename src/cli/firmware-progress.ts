import type { CopyProgress } from '../oci/copy.ts';

/** How far a transfer is, on standard error: one line that is drawn over on a terminal, nothing elsewhere. */
export class ProgressLine {
  readonly #isShown: boolean;
  readonly #verb: string;
  #drawn = 0;

  constructor(verb: string, isQuiet: boolean) {
    this.#verb = verb;
    this.#isShown = !isQuiet && process.stderr.isTTY === true;
  }

  update(doneBytes: number, totalBytes: number): void {
    if (!this.#isShown) return;
    const share = totalBytes === 0 ? 100 : Math.floor((doneBytes / totalBytes) * 100);
    const text = `${this.#verb} ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)} (${share}%)`;
    process.stderr.write(`\r${text.padEnd(this.#drawn)}`);
    this.#drawn = text.length;
  }

  /** For `copyArtifact`. */
  readonly onCopy = ({ doneBytes, totalBytes }: CopyProgress): void => this.update(doneBytes, totalBytes);

  clear(): void {
    if (this.#drawn > 0) process.stderr.write(`\r${' '.repeat(this.#drawn)}\r`);
    this.#drawn = 0;
  }
}

/** `1.5 MiB`; whole bytes below a KiB. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
