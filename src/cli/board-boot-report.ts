import { readBootCounter } from '../esp/boot-counter.ts';
import {
  decodeOtadataEntry,
  hasRightCrc,
  type OtadataEntry,
  SEQUENCE_UNSET,
  slotOfSequence,
  stateName,
} from '../esp/otadata.ts';
import { describeAttempt, type PowerCycle } from './board-boot-run.ts';
import { nameApp } from './image-file.ts';
import { hex } from './number-argument.ts';
import { alignColumns } from './table.ts';
import { indentColumns, printable } from './text-layout.ts';

/** The report for programs. The first four members of a boot are promised; others may come. */
export function bootReportJson(cycles: readonly PowerCycle[], withLog: boolean) {
  return {
    boots: cycles.map((cycle) => ({
      slot: cycle.slot,
      resetReason: cycle.resetReason,
      why: cycle.why,
      otadata: cycle.otadata,
      application:
        cycle.description === undefined
          ? null
          : { project: cycle.description.projectName, version: cycle.description.version },
      measurement: cycle.measurement ?? null,
      attempts: cycle.attempts.map((attempt) => ({
        slot: attempt.slot,
        offset: attempt.partition.offset,
        verdict:
          attempt.verdict?.ok === true ? 'ok' : (attempt.verdict?.refusal.code ?? 'secure-version-too-low'),
      })),
      bootloaderRuns: cycle.bootloaderRuns,
      flashOperations: { first: cycle.operationsBefore, count: cycle.operations },
      powerCut: cycle.cut ?? null,
      confirmation: cycle.confirmation ?? null,
      ...(withLog ? { log: cycle.log } : {}),
    })),
  };
}

/** One life of a board for people. */
export function describeCycle(cycle: PowerCycle, index: number, slotCount: number): string[] {
  const result = cycle.slot ?? (cycle.cut === undefined ? 'no slot boots' : 'power cut');
  const facts: [string, string][] = [['why', printable(cycle.why)]];
  if (cycle.slot !== null)
    facts.push(['runs', `${nameApp(cycle.description, 'an unnamed app')}, sha256 ${cycle.measurement}`]);
  const tried = alignColumns(
    cycle.attempts.map((attempt) => [
      attempt.slot,
      hex(attempt.partition.offset),
      printable(describeAttempt(attempt)),
    ]),
  );
  for (const [place, line] of tried.entries()) facts.push([place === 0 ? 'tried' : '', line]);
  const entries = alignColumns(
    cycle.otadata.map((after, sector) => [
      `${sector}:`,
      ...describeChange(cycle.otadataBefore[sector] ?? after, after, slotCount),
    ]),
  );
  for (const [place, line] of entries.entries()) facts.push([place === 0 ? 'otadata' : '', line]);
  const { operationsBefore: first, operations } = cycle;
  const written =
    operations === 1 ? `operation ${first}` : `operations ${first} to ${first + operations - 1}`;
  facts.push(['flash', operations === 0 ? 'nothing written' : written]);
  if (cycle.bootloaderRuns > 1) facts.push(['resets', `the bootloader ran ${cycle.bootloaderRuns} times`]);
  if (cycle.confirmation !== undefined)
    facts.push(['confirm', cycle.confirmation === 'ok' ? 'the app marked itself valid' : cycle.confirmation]);
  return [
    `boot ${index + 1}: ${result} after ${cycle.resetReason}`,
    ...indentColumns(facts),
    ...cycle.log.map((line) => `  | ${printable(line)}`),
  ];
}

function describeChange(before: string, after: string, slotCount: number): string[] {
  const [old, now] = [before, after].map((text) =>
    describeEntry(decodeOtadataEntry(Buffer.from(text, 'hex')), slotCount),
  );
  if (old === undefined || now === undefined) return [];
  return before === after ? [now] : [`${old} -> ${now}`];
}

/** `sequence 5, ota_0, VALID`, or what is wrong with it. */
export function describeEntry(entry: OtadataEntry, slotCount: number): string {
  if (entry.sequence === SEQUENCE_UNSET && entry.state === 0xffffffff && entry.crc === 0xffffffff)
    return 'erased';
  const counter = readBootCounter(entry.label);
  return [
    `sequence ${entry.sequence}`,
    ...(slotCount === 0 ? [] : [`ota_${slotOfSequence(entry.sequence, slotCount)}`]),
    stateName(entry.state) ?? `state ${hex(entry.state)}`,
    ...(hasRightCrc(entry) ? [] : ['wrong CRC']),
    ...(counter === undefined ? [] : [`boot ${counter.bootsBegun} of ${counter.bootsWithoutConfirm}`]),
  ].join(', ');
}
