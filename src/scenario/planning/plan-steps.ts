import { FAULTS, type FaultName } from '../fault.ts';
import { nameOfKind } from '../kinds.ts';
import type { Measure } from '../language/quantity.ts';
import type { StepEntry } from '../language/schema.ts';
import type { Path } from '../language/yaml-source.ts';
import type { ObjectName, PlannedObject, PlannedStep, WaitGoal } from '../plan.ts';
import { complain, complainUnbuilt, type Draft } from './draft.ts';
import { planObjectName, planObjects } from './plan-objects.ts';
import { planParameters } from './plan-parameters.ts';
import { compact, selectBoards } from './plan-selector.ts';
import { describeSubject, planExpectation } from './plan-subject.ts';

const VERBS = ['apply', 'delete', 'inject', 'heal', 'wait', 'expect'] as const;

export function planSteps(draft: Draft): PlannedStep[] {
  return draft.document.steps.flatMap((entry, index) => planStep(draft, index, entry) ?? []);
}

function planStep(draft: Draft, index: number, entry: StepEntry): PlannedStep | undefined {
  const at = ['steps', index];
  const verbs = VERBS.filter((verb) => entry[verb] !== undefined);
  const verb = verbs[0];
  if (verb === undefined || verbs.length > 1) {
    const message =
      verb === undefined
        ? `this step does nothing; give it one of ${VERBS.join(', ')}`
        : `one step is one deed, not ${verbs.join(' and ')}; make several steps`;
    complain(draft, at, message);
    return undefined;
  }
  if (entry.fill !== undefined && verb !== 'apply') complain(draft, [...at, 'fill'], 'only apply takes fill');
  if (entry.at !== undefined && entry.after !== undefined)
    complain(draft, [...at, 'after'], 'a step is either at a time or after the one before, not both');
  const body = planVerb(draft, at, index + 1, verb, entry);
  if (body === undefined) return undefined;
  const { file, line = 1, column = 1 } = draft.source.problemAtKey([...at, verb], '');
  return {
    number: index + 1,
    place: { file, line, column },
    ...(entry.at !== undefined && { atMs: entry.at }),
    ...(entry.after !== undefined && { afterMs: entry.after }),
    ...body,
    label: entry.name ?? body.label,
  };
}

type Body = PlannedStep extends infer S
  ? S extends unknown
    ? Omit<S, 'number' | 'place' | 'atMs' | 'afterMs'>
    : never
  : never;

function planVerb(
  draft: Draft,
  at: Path,
  number: number,
  verb: (typeof VERBS)[number],
  entry: StepEntry,
): Body | undefined {
  switch (verb) {
    case 'apply': {
      const objects = planObjects(draft, at, entry);
      return { verb, objects, label: `apply ${objects.map(objectText).join(', ')}` };
    }
    case 'delete': {
      const names = Array.isArray(entry.delete) ? entry.delete : [entry.delete ?? ''];
      const objects = names.flatMap((name, index) => {
        const place = Array.isArray(entry.delete) ? [...at, 'delete', index] : [...at, 'delete'];
        return planObjectName(draft, place, name) ?? [];
      });
      return { verb, objects, label: `delete ${objects.map(objectText).join(', ')}` };
    }
    case 'inject':
      return planInject(draft, [...at, 'inject'], number, entry);
    case 'heal':
      return entry.heal && { verb, fault: entry.heal, label: `heal ${entry.heal}` };
    case 'wait':
      return planWait(draft, [...at, 'wait'], entry);
    case 'expect': {
      const expectation = entry.expect && planExpectation(draft, [...at, 'expect'], entry.expect);
      if (expectation === undefined) return undefined;
      const many = { exactly: '', 'at-least': 'at least ', 'at-most': 'at most ' }[expectation.bound];
      const label = `expect ${many}${amountText(expectation.amount)} ${describeSubject(expectation.subject)}`;
      return { verb, expectation, withinMs: entry.expect?.within ?? 0, label };
    }
  }
}

export function objectText(object: ObjectName | PlannedObject): string {
  return `${nameOfKind(object.kind)}/${object.key.name}`;
}

export function amountText(amount: Measure): string {
  if (amount.kind === 'size')
    return amount.sizeBytes % 1024 === 0 ? `${amount.sizeBytes / 1024} KiB` : `${amount.sizeBytes} bytes`;
  return amount.kind === 'count' ? String(amount.count) : `${Number((amount.share * 100).toFixed(4))}% of`;
}

function planWait(draft: Draft, at: Path, entry: StepEntry): Body | undefined {
  const wait = entry.wait;
  if (wait === undefined) return undefined;
  const object = planObjectName(draft, [...at, 'for'], wait.for, wait.namespace);
  const goals: WaitGoal[] = [];
  if (wait.condition !== undefined) {
    const [type = '', status = 'True'] = wait.condition.split('=');
    goals.push({ kind: 'condition', type, status });
  }
  if (wait.phase !== undefined) goals.push({ kind: 'phase', phase: wait.phase });
  if (wait.deleted !== undefined) goals.push({ kind: 'deleted' });
  const until = goals[0];
  if (until === undefined || goals.length > 1)
    complain(draft, at, 'say what to wait for: one of condition, phase, deleted');
  if (object === undefined || until === undefined) return undefined;
  return {
    verb: 'wait',
    object,
    until,
    withinMs: wait.within,
    label: `wait for ${objectText(object)}: ${goalText(until)}`,
  };
}

function goalText(goal: WaitGoal): string {
  if (goal.kind === 'deleted') return 'deleted';
  if (goal.kind === 'phase') return goal.phase;
  return goal.status === 'True' ? goal.type : `${goal.type}=${goal.status}`;
}

function planInject(draft: Draft, at: Path, number: number, entry: StepEntry): Body | undefined {
  const inject = entry.inject;
  if (inject === undefined) return undefined;
  const fault = FAULTS[inject.fault];
  if (!fault.built) complainUnbuilt(draft, [...at, 'fault'], `the fault ${inject.fault} is not built yet`);
  if (fault.on !== 'boards' && inject.on !== undefined)
    complain(draft, [...at, 'on'], `${inject.fault} strikes the ${fault.on}, not boards; leave "on" out`);
  const complaints = draft.problems.length;
  const boards =
    fault.on === 'boards'
      ? selectBoards(
          draft,
          [...at, 'on'],
          compact(inject.on ?? {}),
          streamOf(draft, number, inject.fault),
        ).map((board) => board.name)
      : [];
  if (fault.on === 'boards' && boards.length === 0 && draft.problems.length === complaints)
    complain(draft, [...at, 'on'], 'no board matches, so the fault would strike nothing');
  const given = planParameters(draft, [...at, 'parameters'], inject.fault, inject.parameters ?? {});
  return {
    verb: 'inject',
    order: { fault: inject.fault, boards, ...given },
    ...(inject.for !== undefined && { forMs: inject.for }),
    label: `inject ${inject.fault}${boards.length > 0 ? ` on ${boards.length} boards` : ''}`,
  };
}

/** Named by the fault and by how many of its kind came before: other steps may come and go without moving the draw. */
function streamOf(draft: Draft, number: number, fault: FaultName): string {
  const before = draft.document.steps.slice(0, number - 1).filter(({ inject }) => inject?.fault === fault);
  return `fault/${fault}/${before.length + 1}`;
}
