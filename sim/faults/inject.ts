import type { FAULTS, FaultName, FaultOrder } from '../../src/scenario/fault.ts';
import { WorldError } from '../../src/scenario/world.ts';
import { forgedEvidence, powerCut, replayedEvidence } from './board-faults.ts';
import { linkDegrade, linkPartition } from './link-faults.ts';
import {
  apiConflict,
  apiUnavailable,
  operatorCrash,
  registryUnavailable,
  watchDrop,
} from './service-faults.ts';
import type { FaultAction, Heal, Stage } from './stage.ts';

/** The faults that are built; the compiler asks for every one that the catalogue calls so. */
type BuiltFault = {
  [Name in FaultName]: (typeof FAULTS)[Name]['built'] extends true ? Name : never;
}[FaultName];

const ACTIONS: Readonly<Record<BuiltFault, FaultAction> & Partial<Record<FaultName, FaultAction>>> = {
  'link-partition': linkPartition,
  'link-degrade': linkDegrade,
  'power-cut': powerCut,
  'forged-evidence': forgedEvidence,
  'replayed-evidence': replayedEvidence,
  'registry-unavailable': registryUnavailable,
  'api-conflict': apiConflict,
  'api-unavailable': apiUnavailable,
  'watch-drop': watchDrop,
  'operator-crash': operatorCrash,
};

/** Turns a fault on. Throws WorldError `unsupported` for one that is not built or not possible on this stage. */
export function injectFault(stage: Stage, order: FaultOrder): Heal {
  const action = ACTIONS[order.fault];
  if (action === undefined)
    throw new WorldError('unsupported', `fault ${order.fault} is in the catalogue but not built yet`);
  return action(stage, order);
}
