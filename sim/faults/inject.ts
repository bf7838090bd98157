import type { FAULTS, FaultName, FaultOrder } from '../../src/scenario/fault.ts';
import type { FleetEvent } from '../../src/scenario/fleet-event.ts';
import { WorldError } from '../../src/scenario/world.ts';
import {
  apiConflict,
  apiError,
  apiRestart,
  apiSlow,
  apiThrottled,
  apiUnavailable,
  listExpired,
} from './api-faults.ts';
import { bitFlip, flashWornOut } from './flash-faults.ts';
import { forgedEvidence, replayedEvidence } from './identity-faults.ts';
import { linkDegrade, linkPartition } from './link-faults.ts';
import { brownOutLoop, powerCut } from './power-faults.ts';
import {
  registryBlobDeleted,
  registryErrors,
  registryFlippedBytes,
  registryShortRead,
  registrySlow,
  registryStalled,
  registrySwappedManifest,
  registryThrottled,
  registryTokenExpired,
  registryTokenRefused,
  registryWrongDigest,
  tagMoved,
} from './registry-faults.ts';
import { agentCrash, nodeLoss, operatorCrash } from './service-faults.ts';
import type { FaultAction, Heal, Stage } from './stage.ts';
import {
  watchBookmarkWithheld,
  watchCut,
  watchDelayed,
  watchDrop,
  watchDuplicated,
  watchGone,
  watchStall,
} from './watch-faults.ts';

/** The faults that are built; the compiler asks for every one that the catalogue calls so. */
type BuiltFault = {
  [Name in FaultName]: (typeof FAULTS)[Name]['built'] extends true ? Name : never;
}[FaultName];

const ACTIONS: Readonly<Record<BuiltFault, FaultAction> & Partial<Record<FaultName, FaultAction>>> = {
  'link-partition': linkPartition,
  'link-degrade': linkDegrade,
  'power-cut': powerCut,
  'brown-out-loop': brownOutLoop,
  'bit-flip': bitFlip,
  'flash-worn-out': flashWornOut,
  'forged-evidence': forgedEvidence,
  'replayed-evidence': replayedEvidence,
  'registry-unavailable': registryErrors,
  'registry-errors': registryErrors,
  'registry-throttled': registryThrottled,
  'registry-slow': registrySlow,
  'registry-stalled': registryStalled,
  'registry-short-read': registryShortRead,
  'registry-flipped-bytes': registryFlippedBytes,
  'registry-wrong-digest': registryWrongDigest,
  'registry-swapped-manifest': registrySwappedManifest,
  'registry-blob-deleted': registryBlobDeleted,
  'registry-token-expired': registryTokenExpired,
  'registry-token-refused': registryTokenRefused,
  'tag-moved': tagMoved,
  'api-conflict': apiConflict,
  'api-unavailable': apiUnavailable,
  'api-error': apiError,
  'api-throttled': apiThrottled,
  'api-slow': apiSlow,
  'list-expired': listExpired,
  'api-restart': apiRestart,
  'watch-drop': watchDrop,
  'watch-stall': watchStall,
  'watch-cut': watchCut,
  'watch-gone': watchGone,
  'watch-delayed': watchDelayed,
  'watch-duplicated': watchDuplicated,
  'watch-bookmark-withheld': watchBookmarkWithheld,
  'operator-crash': operatorCrash,
  'agent-crash': agentCrash,
  'node-loss': nodeLoss,
};

/**
 * Turns a fault on and tells it; the returned function heals it and tells that, once.
 *
 * Rejects with WorldError `unsupported` for a fault that is not built or not possible on this stage.
 */
export async function injectFault(
  stage: Stage,
  order: FaultOrder,
  emit: (event: FleetEvent) => void,
): Promise<() => Promise<void>> {
  const { fault, boards } = order;
  const action = ACTIONS[fault];
  if (action === undefined)
    throw new WorldError('unsupported', `fault ${fault} is in the catalogue but not built yet`);
  let heal: Heal | undefined = action(stage, order);
  emit({ kind: 'fault', fault, on: true, boards });
  return async () => {
    heal?.();
    if (heal !== undefined) emit({ kind: 'fault', fault, on: false, boards });
    heal = undefined;
  };
}
