import type { Pod } from '../../../src/kube/core.ts';

/** Which of an Indexed Job's parts a Pod is; also a label. Source: batch/v1 JobCompletionIndexAnnotation. */
export const INDEX_ANNOTATION = 'batch.kubernetes.io/job-completion-index';

export function indexOf({ metadata }: Pod): number | undefined {
  const text = metadata.annotations?.[INDEX_ANNOTATION];
  return text === undefined ? undefined : Number(text);
}

/** Those that were done before (`1,3-5`), and those of Pods that have succeeded. */
export function completedIndexes(before: string | undefined, succeeded: readonly Pod[]): ReadonlySet<number> {
  const done = new Set<number>();
  for (const range of (before ?? '').split(',').filter((text) => text !== '')) {
    const [first = 0, last = first] = range.split('-').map(Number);
    for (let index = first; index <= last; index++) done.add(index);
  }
  for (const pod of succeeded) {
    const index = indexOf(pod);
    if (index !== undefined) done.add(index);
  }
  return done;
}

/** The lowest indexes that nobody has done or is doing. */
export function missingIndexes(
  completions: number,
  done: ReadonlySet<number>,
  active: readonly Pod[],
): readonly number[] {
  const taken = new Set(active.map(indexOf));
  return Array.from({ length: completions }, (_, index) => index).filter(
    (index) => !done.has(index) && !taken.has(index),
  );
}
