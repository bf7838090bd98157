import { decideAfterWrite } from './after-write.ts';
import { decideBeforeWrite } from './before-write.ts';
import { settle } from './device-update-steps.ts';
import type { DeviceUpdateAction, DeviceUpdateView } from './device-update-view.ts';

/**
 * Decides the next step of one device's update.
 *
 * The order protects the device: nothing is sent before fresh evidence was accepted, nothing is offered
 * while a conversation is alive, and success is only ever what the device itself proves afterwards.
 * The decision rests on levels, so an agent that was killed anywhere carries on from the claim it left
 * on the twin and a new challenge.
 */
export function decideDeviceUpdate(view: DeviceUpdateView): DeviceUpdateAction {
  if (view.claim === 'other') return { kind: 'leave', why: 'another job holds the device' };
  if (view.claim === 'none') return decideClaim(view);
  if (view.phase === 'Rebooting') return decideAfterWrite(view);
  if (view.transfer.state === 'written') return { kind: 'mark-rebooting' };
  return decideBeforeWrite(view);
}

function decideClaim(view: DeviceUpdateView): DeviceUpdateAction {
  if (view.isCancelled) return { kind: 'leave', why: 'the job is cancelled' };
  if (view.isPaused) return { kind: 'leave', why: 'the job is paused' };
  if (view.barrier !== undefined) return settle('refused', view.barrier);
  if (view.misfit !== undefined) return settle('incompatible', view.misfit);
  return { kind: 'claim' };
}
