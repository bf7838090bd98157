import { FIRMWARE_ROLLOUT } from '../../kube/firmware-rollout.ts';
import { FLASH_JOB } from '../../kube/flash-job.ts';
import type { ScenarioDocument, StepEntry } from '../language/schema.ts';
import type { Path } from '../language/yaml-source.ts';
import type { DeviceSelector, Expectation, NeverRule, Subject } from '../plan.ts';
import { checkSelector, complain, type Draft, findFirmware } from './draft.ts';
import { compact } from './plan-selector.ts';

type ExpectEntry = NonNullable<StepEntry['expect']>;
type NeverEntry = NonNullable<NonNullable<ScenarioDocument['properties']>['never']>[number];
type DeviceEntry = NonNullable<ExpectEntry['devices']>;

/** Puts application and version in the place of `runs`. */
function resolveRuns<T extends { runs?: string | undefined }>(
  draft: Draft,
  at: Path,
  entry: T,
): Omit<T, 'runs'> {
  const { runs, ...rest } = entry;
  if (runs === undefined) return rest;
  const firmware = findFirmware(draft, [...at, 'runs'], runs);
  if (firmware === undefined) return rest;
  return { ...rest, application: firmware.application, version: firmware.version };
}

export function deviceSelectorOf(draft: Draft, at: Path, entry: DeviceEntry): DeviceSelector {
  const selector: DeviceSelector = compact(resolveRuns(draft, at, entry));
  checkSelector(draft, at, selector);
  return selector;
}

function boardSubject(
  draft: Draft,
  at: Path,
  entry: { devices?: DeviceEntry | undefined; boards?: ExpectEntry['boards'] },
): Extract<Subject, { of: 'devices' | 'boards' }> | undefined {
  if (entry.devices !== undefined)
    return { of: 'devices', selector: deviceSelectorOf(draft, [...at, 'devices'], entry.devices) };
  if (entry.boards === undefined) return undefined;
  const selector = compact(resolveRuns(draft, [...at, 'boards'], entry.boards));
  checkSelector(draft, [...at, 'boards'], selector);
  return { of: 'boards', selector };
}

function planSubject(draft: Draft, at: Path, entry: ExpectEntry): Subject | undefined {
  const named = (['devices', 'boards', 'instances', 'outcomes', 'bytes-per-node'] as const).filter(
    (key) => entry[key] !== undefined,
  );
  if (named.length !== 1) {
    const message =
      named.length === 0
        ? 'say what is expected: devices, boards, instances, outcomes or bytes-per-node'
        : `one step expects one thing, not ${named.join(' and ')}`;
    complain(draft, at, message);
    return undefined;
  }
  if (entry.instances !== undefined) {
    const selector = compact(entry.instances);
    checkSelector(draft, [...at, 'instances'], selector);
    return { of: 'instances', selector };
  }
  if (entry['bytes-per-node'] !== undefined)
    return { of: 'bytes-per-node', selector: compact(entry['bytes-per-node']) };
  if (entry.outcomes === undefined) return boardSubject(draft, at, entry);
  const { rollout, job, outcome } = entry.outcomes;
  const name = rollout ?? job;
  if (name === undefined || (rollout !== undefined && job !== undefined)) {
    complain(draft, [...at, 'outcomes'], 'outcomes are those of one rollout or of one job; name it');
    return undefined;
  }
  const kind = rollout !== undefined ? FIRMWARE_ROLLOUT : FLASH_JOB;
  return { of: 'outcomes', parent: { kind, key: { namespace: 'default', name } }, outcome };
}

export function planExpectation(draft: Draft, at: Path, entry: ExpectEntry): Expectation | undefined {
  const subject = planSubject(draft, at, entry);
  const bounds = (['count', 'at-least', 'at-most'] as const).filter((key) => entry[key] !== undefined);
  const bound = bounds[0];
  const amount = bound === undefined ? undefined : entry[bound];
  if (bounds.length !== 1 || bound === undefined || amount === undefined) {
    complain(draft, at, 'say how many: one of count, at-least, at-most');
    return undefined;
  }
  if (subject === undefined) return undefined;
  const countsBytes = subject.of === 'bytes-per-node';
  if (countsBytes !== (amount.kind === 'size')) {
    const message = countsBytes
      ? 'bytes are counted in bytes: write a size, as 2MiB'
      : `${subject.of} are counted, not weighed: write a whole number or a percentage, as 20 or 10%`;
    complain(draft, [...at, bound], message);
    return undefined;
  }
  return { subject, bound: bound === 'count' ? 'exactly' : bound, amount };
}

export function planNever(draft: Draft, at: Path, entry: NeverEntry): NeverRule | undefined {
  const subject = boardSubject(draft, at, entry);
  if (subject === undefined || (entry.devices !== undefined && entry.boards !== undefined)) {
    complain(draft, at, 'say of what there may never be too many: devices or boards');
    return undefined;
  }
  const moreThan = entry['more-than'] ?? { kind: 'count', count: 0 };
  const bound =
    moreThan.kind === 'share'
      ? `more than ${Number((moreThan.share * 100).toFixed(4))}% of`
      : moreThan.count === 0
        ? 'any'
        : `more than ${moreThan.count}`;
  const during = entry.while === undefined ? '' : ` while ${entry.while.rollout} progresses`;
  return {
    label: `never ${bound} ${describeSubject(subject)}${during}`,
    subject,
    moreThan,
    ...(entry.while !== undefined && { whileRollout: entry.while.rollout }),
  };
}

/** `devices with application thermo, version 2.0.0`. */
export function describeSubject(subject: Subject): string {
  if (subject.of === 'outcomes') return `${subject.outcome} in ${subject.parent.key.name}`;
  if (subject.of === 'bytes-per-node')
    return `of ${subject.selector.content === undefined ? 'content' : `content (${subject.selector.content})`} from the registry per node`;
  const words = Object.entries(subject.selector).map(([key, value]) => {
    if (value === true) return key;
    if (value === false) return `not ${key}`;
    if (typeof value === 'object')
      return Object.entries(value)
        .map(([label, of]) => `${label} ${of}`)
        .join(', ');
    return `${key} ${value}`;
  });
  return words.length === 0 ? subject.of : `${subject.of} (${words.join(', ')})`;
}
