/** Must hold at every instant. */
export const ALWAYS = {
  'every-board-bootable': 'whatever happens to a board, its bootloader finds something to boot',
  'only-verified-images-run': 'a board runs only images that the scenario packed, for its own chip',
  'only-attested-devices-flashed':
    'nothing is written to a board that is not genuine, or has not proved itself since its last boot',
  'pinned-digest-holds':
    'a confirmed update runs what its job pinned at first; any other says why, and left the board on that or on what it had',
  'one-flash-at-a-time':
    'no offer to a busy board, no second write beside an open one, no write of what runs',
  'canary-gate-holds':
    "a wave begins only when, by the world's own truth, every earlier wave has met its rollout's gate",
  'twins-survive': "a device's twin is never deleted or made anew",
} as const;

/** Must be seen at least once, or the run proves nothing. */
export const SOMETIMES = {
  'a-board-rolled-back': 'a bootloader abandoned an unconfirmed image',
  'a-board-was-repurposed': 'a board confirmed an image of another application',
  'a-download-resumed': 'a transfer went on where an earlier one had stopped',
  'a-delta-was-applied': 'a board made an image of what it ran and of a delta',
  'a-transfer-was-interrupted': 'a transfer ended without a whole image',
  'a-clone-was-refused': 'evidence of a cloned board was turned away',
  'a-forgery-was-refused': 'forged evidence was turned away',
  'a-replay-was-refused': 'replayed evidence was turned away',
  'a-gate-passed': 'a wave of a rollout met its gate',
  'a-rollout-aborted': 'a rollout stopped because of failures',
  'a-rollout-reverted': 'a rollout put the old firmware back',
  'a-rollout-completed': 'a rollout reached its whole fleet',
} as const;

export type AlwaysName = keyof typeof ALWAYS;
export type SometimesName = keyof typeof SOMETIMES;

export const ALWAYS_NAMES = Object.keys(ALWAYS) as [AlwaysName, ...AlwaysName[]];
export const SOMETIMES_NAMES = Object.keys(SOMETIMES) as [SometimesName, ...SometimesName[]];
