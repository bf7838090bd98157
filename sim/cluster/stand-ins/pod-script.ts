import type { Pod } from '../../../src/kube/core.ts';
import { parseDurationMs } from '../../../src/time/duration.ts';

/** The annotation by which a Pod says what is to become of it here. */
export const SCRIPT_ANNOTATION = 'kubelet.brickproof.dev/script';

/** What a Pod without a program does instead: it starts, and perhaps ends. */
export interface PodScript {
  /** Time from its node to its first container's start. */
  readonly startsAfterMs: number;
  /** Time from each start to the end of all containers; absent: they run on. */
  readonly endsAfterMs?: number;
  /** 0 is success. */
  readonly exitCode: number;
}

/** The script of a Pod that has none of its own; undefined leaves the Pod pending, with a reason. */
export type PodScripts = (pod: Pod) => PodScript | undefined;

/**
 * Reads `Running after 2s`, `Running after 2s, Succeeded after 10s` or `…, Failed(3) after 1m`; the second
 * time counts from the first. Undefined for anything else.
 */
export function parsePodScript(text: string): PodScript | undefined {
  const [start = '', end, ...more] = text.split(',').map((step) => step.trim());
  const startsAfterMs = parseDurationMs(/^Running after (\S+)$/.exec(start)?.[1] ?? '');
  if (startsAfterMs === undefined || more.length > 0) return undefined;
  if (end === undefined) return { startsAfterMs, exitCode: 0 };
  const [, outcome, code = '1', duration = ''] =
    /^(Succeeded|Failed)(?:\((\d{1,3})\))? after (\S+)$/.exec(end) ?? [];
  const endsAfterMs = parseDurationMs(duration);
  if (endsAfterMs === undefined) return undefined;
  return { startsAfterMs, endsAfterMs, exitCode: outcome === 'Failed' ? Number(code) : 0 };
}
