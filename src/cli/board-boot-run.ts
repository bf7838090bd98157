import { bootLogLines } from '../../sim/board/boot-log.ts';
import { readBootTable } from '../../sim/board/boot-table.ts';
import { explainBoot } from '../../sim/board/boot-why.ts';
import { type BootInput, type BootOutcome, boot, type SlotAttempt } from '../../sim/board/bootloader.ts';
import { type PowerCut, PowerLoss } from '../../sim/board/nor-flash.ts';
import { markValid } from '../../sim/board/ota.ts';
import { startApp } from '../../sim/board/running-app.ts';
import { describeSlot } from '../../sim/board/slot-verdict.ts';
import type { AppDescription } from '../esp/app-description.ts';
import { toHex } from '../esp/byte-fields.ts';

const SECTOR_SIZE = 0x1000;
const ENTRY_SIZE = 32;

/** One life of a board: from power-on until power is cut. */
export interface PowerCycle {
  /** What runs; null when the chip resets for ever, and when power went first. */
  readonly slot: string | null;
  readonly resetReason: BootInput['resetReason'];
  readonly why: string;
  /** First 32 bytes of each otadata sector before and after, hex; empty without an otadata partition. */
  readonly otadataBefore: readonly string[];
  readonly otadata: readonly string[];
  /** Slots the last run of the bootloader tried, in order. */
  readonly attempts: readonly SlotAttempt[];
  /** How often the bootloader ran before it settled. */
  readonly bootloaderRuns: number;
  readonly measurement: string | undefined;
  readonly description: AppDescription | undefined;
  /** Flash commands begun before and during this life. */
  readonly operationsBefore: number;
  readonly operations: number;
  /** The planned cut that ended this life. */
  readonly cut: PowerCut | undefined;
  /** What confirming came to: `ok`, or the error of ESP-IDF; undefined when nobody tried. */
  readonly confirmation: string | undefined;
  /** The console, when it was asked for. */
  readonly log: readonly string[];
}

export interface PowerPlan {
  readonly board: Omit<BootInput, 'resetReason'>;
  readonly boots: number;
  /** Cuts in the order they happen; each is planned when the one before it is over. */
  readonly cuts: readonly PowerCut[];
  readonly confirm: boolean;
  readonly log: boolean;
}

/** Switches the board on and off again, `boots` times. No application does anything but, with `confirm`, confirm itself. */
export function runPowerCycles(plan: PowerPlan): PowerCycle[] {
  const { flash } = plan.board;
  const cuts = [...plan.cuts];
  return Array.from({ length: plan.boots }, () => {
    flash.restorePower();
    flash.cutPowerAt(cuts[0]);
    const cycle = powerCycle(plan, cuts[0]);
    if (cycle.cut !== undefined) cuts.shift();
    return cycle;
  });
}

function powerCycle({ board, confirm, log }: PowerPlan, planned: PowerCut | undefined): PowerCycle {
  const input: BootInput = { ...board, resetReason: 'power-on' };
  const { flash } = board;
  const otadataBefore = readOtadataHex(input);
  const operationsBefore = flash.operations;
  let outcome: BootOutcome | undefined;
  let lines: readonly string[] = [];
  let confirmation: string | undefined;
  let cut: PowerCut | undefined;
  try {
    outcome = boot(input);
    if (log) lines = bootLogLines(input, outcome);
    const app = confirm ? startApp(board, outcome) : undefined;
    const result = app === undefined ? undefined : markValid(app);
    confirmation = result === undefined ? undefined : result.ok ? 'ok' : result.error;
  } catch (error) {
    if (!(error instanceof PowerLoss)) throw error;
    cut = planned;
  }
  const last = outcome?.passes.at(-1);
  const running = outcome?.partition;
  return {
    slot: outcome?.slot ?? null,
    resetReason: input.resetReason,
    why: [
      ...(outcome === undefined ? [] : [explainOutcome(outcome)]),
      ...(cut === undefined ? [] : [describeCut(cut)]),
    ].join('; '),
    otadataBefore,
    otadata: readOtadataHex(input),
    attempts: last?.attempts ?? [],
    bootloaderRuns: outcome?.passes.length ?? 0,
    measurement: outcome?.image?.measurement,
    description: running === undefined ? undefined : describeSlot(flash, running),
    operationsBefore,
    operations: flash.operations - operationsBefore,
    cut,
    confirmation,
    log: lines,
  };
}

/** As `explainBoot`, and for a chip that finds nothing what is wrong with each slot. */
function explainOutcome(outcome: BootOutcome): string {
  const why = explainBoot(outcome);
  const tried = outcome.slot === null ? (outcome.passes.at(-1)?.attempts ?? []) : [];
  const faults = tried.map((attempt) => `${attempt.slot}: ${describeAttempt(attempt)}`);
  return faults.length === 0 ? why : `${why} (${faults.join('; ')})`;
}

/** What the bootloader said of a slot it tried. */
export function describeAttempt({ verdict }: SlotAttempt): string {
  if (verdict === undefined) return 'its secure version is below the one in eFuse';
  return verdict.ok ? 'boots' : verdict.refusal.message;
}

function describeCut({ operation, byte }: PowerCut): string {
  const where = byte === undefined ? 'before' : `${byte} bytes into`;
  return `power was cut ${where} flash operation ${operation}`;
}

function readOtadataHex({ flash }: BootInput): string[] {
  const otadata = readBootTable(flash)?.otadata;
  if (otadata === undefined) return [];
  const sectors = Math.min(2, Math.floor(otadata.size / SECTOR_SIZE));
  return Array.from({ length: sectors }, (_, index) =>
    toHex(flash.read(otadata.offset + index * SECTOR_SIZE, ENTRY_SIZE)),
  );
}
