import { parseDurationMs } from '../../time/duration.ts';
import { FAULTS, type FaultName, type FaultOrder, type FaultParameter } from '../fault.ts';
import { KIND_NAMES, kindOfName } from '../kinds.ts';
import { suggest } from '../language/nearest.ts';
import { parsePercent, parseSizeBytes } from '../language/quantity.ts';
import type { Path } from '../language/yaml-source.ts';
import { complain, type Draft } from './draft.ts';

/** What a scenario says about a fault, checked against the catalogue: numbers and words apart. */
export function planParameters(
  draft: Draft,
  at: Path,
  fault: FaultName,
  given: Readonly<Record<string, string | number>>,
): Pick<FaultOrder, 'parameters' | 'words'> {
  const known: Readonly<Record<string, FaultParameter>> = FAULTS[fault].parameters;
  const parameters: Record<string, number> = {};
  const words: Record<string, string> = {};
  for (const [name, text] of Object.entries(given)) {
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kind === undefined) {
      const message = `${fault} has no parameter "${name}"${suggest(name, Object.keys(known))}`;
      complain(draft, [...at, name], message);
      continue;
    }
    const value = readParameter(kind, text);
    if (typeof value === 'number') parameters[name] = value;
    else if (value !== undefined) words[name] = value;
    else complain(draft, [...at, name], `${JSON.stringify(text)} is not ${wanted(kind, String(text))}`);
  }
  return { parameters, ...(Object.keys(words).length > 0 && { words }) };
}

function wanted(kind: FaultParameter, given: string): string {
  switch (kind) {
    case 'duration':
      return 'a duration; write it with a unit, as 40ms';
    case 'percent':
      return 'a percentage; write it as 10%';
    case 'count':
      return 'a whole number from 0';
    case 'size':
      return 'a size; write it with a unit, as 64KiB';
    case 'name':
      return 'a name; write it as text';
    case 'kind':
      return `a kind${suggest(given, KIND_NAMES)}`;
    default:
      return `one of ${kind.join(', ')}`;
  }
}

function readParameter(kind: FaultParameter, given: string | number): number | string | undefined {
  // A number that is one of the words, as an HTTP status, needs no quotes.
  if (typeof kind === 'object') return kind.find((word) => word === String(given));
  if (kind === 'count') return Number.isInteger(given) && Number(given) >= 0 ? Number(given) : undefined;
  if (typeof given === 'number') return undefined;
  switch (kind) {
    case 'duration':
      return parseDurationMs(given);
    case 'percent':
      return parsePercent(given);
    case 'size':
      return parseSizeBytes(given);
    case 'name':
      return given === '' ? undefined : given;
    case 'kind':
      return kindOfName(given)?.kind;
  }
}
