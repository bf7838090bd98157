import type { PropertyResult } from '../properties/property-board.ts';
import type { RunResult, StepResult } from '../result.ts';
import { type Markup, markup } from './markup.ts';

/** A test case for every step and every property, as CI systems read it. Times are virtual seconds. */
export function makeJunit(result: RunResult): string {
  const steps = result.steps.map(stepCase);
  const properties = result.properties.map(propertyCase);
  const cases = [...steps, ...properties];
  const count = (kind: Case['kind']): number => cases.filter((entry) => entry.kind === kind).length;
  const counts = markup`tests="${cases.length}" failures="${count('failure')}" errors="0" skipped="${count('skipped')}" time="${seconds(result.virtualDurationMs)}"`;
  return markup`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="brickproof" ${counts}>
  <testsuite name="${result.scenario}" ${counts}>
    <properties>
      <property name="seed" value="${result.seed}"/>
      <property name="world" value="${result.world}"/>
      <property name="traceHash" value="${result.traceHash}"/>
    </properties>
${cases.map((entry) => entry.text)}  </testsuite>
</testsuites>
`.text;
}

interface Case {
  readonly kind: 'passed' | 'failure' | 'skipped';
  readonly text: Markup;
}

function stepCase(step: StepResult): Case {
  const name = `${step.number}. ${step.label}`;
  const time = seconds(step.endedAtMs - step.startedAtMs);
  const place = markup`file="${step.place.file}" line="${step.place.line}"`;
  return makeCase('steps', name, time, place, kindOf(step.status), step.why);
}

function propertyCase(property: PropertyResult): Case {
  const name = `${property.kind}: ${property.name}`;
  const failed = property.kind === 'sometimes' ? `never seen: ${property.description}` : '';
  const message = property.first[0]?.message ?? failed;
  const why = property.verdict === 'not-judged' ? 'the run ended before it could be judged' : message;
  return makeCase('properties', name, '0.000', undefined, kindOf(property.verdict), why);
}

function makeCase(
  suite: string,
  name: string,
  time: string,
  place: Markup | undefined,
  kind: Case['kind'],
  why: string,
): Case {
  const head = markup`    <testcase classname="${suite}" name="${name}" time="${time}"${place && markup` ${place}`}`;
  if (kind === 'passed') return { kind, text: markup`${head}/>\n` };
  const inner =
    kind === 'failure'
      ? markup`<failure message="${why}">${why}</failure>`
      : markup`<skipped message="${why}"/>`;
  return { kind, text: markup`${head}>${inner}</testcase>\n` };
}

function kindOf(status: StepResult['status'] | PropertyResult['verdict']): Case['kind'] {
  if (status === 'passed') return 'passed';
  return status === 'failed' ? 'failure' : 'skipped';
}

function seconds(durationMs: number): string {
  return (durationMs / 1000).toFixed(3);
}
