import type { RunnerTask } from 'vitest';

/** What a case may need that not every back end has. */
export type Need = 'HTTP' | 'garbage collection' | 'namespace deletion' | 'role aggregation';

/** Why what a case needs is not there. */
export type NotApplicable = Partial<Readonly<Record<Need, string>>>;

type Tasks = { readonly name: string; readonly tasks: readonly RunnerTask[] };

/**
 * One line that says how many cases a suite has, how many ran, and why the others did not: a case that
 * does not apply is counted, never left out in silence.
 */
export function tallyOf(title: string, suite: Tasks, lacks: NotApplicable): string {
  const ran = countOf(suite, (task) => task.result?.state === 'pass' || task.result?.state === 'fail');
  const missing = Object.entries(lacks).map(([need, reason]) => {
    const count = countOf(suite, (task) => isWithin(task, `(needs ${need})`));
    return { count, why: `${count} for want of ${need} (${reason})` };
  });
  const lacking = missing.reduce((sum, { count }) => sum + count, 0);
  const reasons = lacking === 0 ? '' : `: ${missing.map(({ why }) => why).join(', ')}`;
  return `contract: ${ran + lacking} cases on ${title}, ${ran} ran, ${lacking} not applicable${reasons}`;
}

function isWithin({ suite }: RunnerTask, ending: string): boolean {
  return suite !== undefined && (suite.name.endsWith(ending) || isWithin(suite, ending));
}

function countOf(suite: Tasks, fits: (task: RunnerTask) => boolean): number {
  return suite.tasks.reduce(
    (sum, task) => sum + (task.type === 'suite' ? countOf(task, fits) : fits(task) ? 1 : 0),
    0,
  );
}
