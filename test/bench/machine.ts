import { arch, cpus, loadavg, platform, totalmem } from 'node:os';

/** One line on where figures were measured; without it they say nothing. */
export function describeMachine(): string {
  const [cpu] = cpus();
  const memoryGiB = (totalmem() / 1024 ** 3).toFixed(0);
  const [load = 0] = loadavg();
  return `${cpus().length} × ${cpu?.model ?? 'unknown processor'}, ${memoryGiB} GiB, ${platform()} ${arch()}, Node ${process.versions.node}, load ${load.toFixed(1)} at the start`;
}

/** Bytes that are in use after everything unused has been thrown away; needs `--expose-gc`. */
export function bytesInUse(): number {
  const collect = (globalThis as { gc?: () => void }).gc;
  if (collect === undefined) throw new Error('memory is measured with node --expose-gc');
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Times `work` done `count` times; microseconds each. */
export function microsecondsEach(count: number, work: (index: number) => void): number {
  const startedMs = performance.now();
  for (let index = 0; index < count; index++) work(index);
  return ((performance.now() - startedMs) * 1000) / count;
}
