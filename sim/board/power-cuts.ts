import type { Efuse } from './efuse.ts';
import { type NorFlash, type PowerCut, PowerLoss } from './nor-flash.ts';

/** All that a board keeps when its power goes. */
export interface CutSubject {
  readonly flash: NorFlash;
  readonly efuse: Efuse;
}

/** A piece of a board's life, and what must hold wherever it is cut short. */
export interface CutExperiment {
  readonly start: CutSubject;
  /** Runs to its end, or until PowerLoss escapes. The same commands every time. */
  act(subject: CutSubject): void;
  /** What happens when power is back, before anything is judged; may be cut short itself. */
  recover(subject: CutSubject): void;
  /** What a cut must never leave behind, seen before recovery. Undefined when all is well. */
  inspect?(subject: CutSubject): string | undefined;
  /** What must hold after recovery. Undefined when all is well. */
  judge(subject: CutSubject): string | undefined;
  /** Whether life goes on after recovery; asked after each first cut, because it is long. Undefined when it does. */
  goOn?(subject: CutSubject): string | undefined;
}

export interface CutFailure {
  /** The cuts that led here, in order; the second fell into the recovery from the first. */
  readonly cuts: readonly PowerCut[];
  readonly problem: string;
}

export interface CutReport {
  /** Places where power was cut, first and second cuts alike. */
  readonly cutPoints: number;
  readonly failures: readonly CutFailure[];
}

const FAILURES_MAX = 20;

/**
 * Cuts power at every flash command of an experiment: before it, in its first, middle and last byte, and after it; and
 * the same again at every command of each recovery. Stops after 20 failures.
 */
export function enumeratePowerCuts(experiment: CutExperiment): CutReport {
  const failures: CutFailure[] = [];
  let cutPoints = 0;
  const judge = (subject: CutSubject, cuts: readonly PowerCut[]): void => {
    const problem = experiment.judge(subject);
    if (problem !== undefined) failures.push({ cuts, problem });
  };
  for (const first of cutsOf(experiment.start, experiment.act)) {
    cutPoints++;
    const subject = fork(experiment.start);
    runInto(subject, first, experiment.act);
    const problem = experiment.inspect?.(subject);
    if (problem !== undefined) failures.push({ cuts: [first], problem });
    for (const second of cutsOf(subject, experiment.recover)) {
      cutPoints++;
      const again = fork(subject);
      runInto(again, second, experiment.recover);
      experiment.recover(again);
      judge(again, [first, second]);
      if (failures.length >= FAILURES_MAX) return { cutPoints, failures };
    }
    experiment.recover(subject);
    judge(subject, [first]);
    const stuck = experiment.goOn?.(subject);
    if (stuck !== undefined) failures.push({ cuts: [first], problem: stuck });
    if (failures.length >= FAILURES_MAX) return { cutPoints, failures };
  }
  return { cutPoints, failures };
}

/** Every place to cut, found by running once without a cut. */
function cutsOf(start: CutSubject, act: (subject: CutSubject) => void): PowerCut[] {
  const subject = fork(start);
  const cuts: PowerCut[] = [];
  let operation = subject.flash.operations;
  subject.flash.observe((length) => {
    cuts.push({ operation });
    for (const byte of new Set([0, length >> 1, length - 1])) cuts.push({ operation, byte });
    operation++;
  });
  act(subject);
  // After the last command is a place of its own; after any other is before the next.
  return cuts.length === 0 ? cuts : [...cuts, { operation }];
}

function runInto(subject: CutSubject, cut: PowerCut, act: (subject: CutSubject) => void): void {
  subject.flash.cutPowerAt(cut);
  try {
    act(subject);
  } catch (error) {
    if (!(error instanceof PowerLoss)) throw error;
  }
  subject.flash.cutPowerAt(undefined);
  subject.flash.restorePower();
}

function fork(subject: CutSubject): CutSubject {
  return { flash: subject.flash.fork(), efuse: subject.efuse.fork() };
}
