import type { Job, WorkloadCondition } from '../../../src/kube/workloads.ts';
import { type Clock, clockMsOf } from '../../../src/time/clock.ts';

export interface JobCounts {
  readonly succeeded: number;
  readonly failed: number;
  /** Of an Indexed Job: the parts that are done. */
  readonly done: ReadonlySet<number>;
}

export interface JobEnd extends Pick<WorkloadCondition, 'status' | 'reason' | 'message'> {
  readonly type: 'Complete' | 'Failed';
  /** The condition that comes first, while Pods are still going. Source: batch/v1 JobConditionType (v1.31). */
  readonly because: 'SuccessCriteriaMet' | 'FailureTarget';
}

/** Members of a Job's spec that change its meaning and that this stand-in does not know. */
const UNSUPPORTED = [
  'podFailurePolicy',
  'successPolicy',
  'backoffLimitPerIndex',
  'maxFailedIndexes',
] as const;

/** How a Job ends, now; undefined: it goes on. */
export function jobEnd(
  { spec }: Job,
  { succeeded, failed }: JobCounts,
  active: number,
  startTime: string | undefined,
  clock: Clock,
): JobEnd | undefined {
  const unsupported = UNSUPPORTED.find((member) => member in spec);
  if (unsupported !== undefined)
    return failure('Unsupported', `spec.${unsupported} is not supported by this Job stand-in`);
  if (failed > (spec.backoffLimit ?? 6))
    return failure('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  if (spec.suspend === true) return undefined;
  const { activeDeadlineSeconds: deadline, completions } = spec;
  const startMs = clockMsOf(clock, startTime ?? '') ?? clock.nowMs;
  if (deadline !== undefined && clock.nowMs - startMs >= deadline * 1000)
    return failure('DeadlineExceeded', 'Job was active longer than specified deadline');
  const done = completions === undefined ? succeeded > 0 && active === 0 : succeeded >= completions;
  if (!done) return undefined;
  return {
    type: 'Complete',
    because: 'SuccessCriteriaMet',
    status: 'True',
    reason: 'CompletionsReached',
    message: 'Reached expected number of succeeded pods',
  };
}

function failure(reason: string, message: string): JobEnd {
  return { type: 'Failed', because: 'FailureTarget', status: 'True', reason, message };
}
