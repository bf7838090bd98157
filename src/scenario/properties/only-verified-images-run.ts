import type { MakeMonitor } from './monitor.ts';

/** A board may run an image only when the scenario packed it, and packed it for that board's chip. */
export const onlyVerifiedImagesRun: MakeMonitor = ({ images, fleet }, report) => {
  const chipsOf = new Map<string, Set<string>>();
  const chipsOfImage = (digest: string): Set<string> | undefined => {
    // The list is complete only once the world has started, so it is read when first needed.
    if (chipsOf.size === 0)
      for (const image of images) {
        const chips = chipsOf.get(image.digest) ?? new Set();
        chipsOf.set(image.digest, chips.add(image.chip));
      }
    return chipsOf.get(digest);
  };
  return {
    onEvent(event) {
      if (event.kind !== 'boot' || event.slot === null) return;
      const chips = chipsOfImage(event.digest);
      const chip = fleet.board(event.board)?.chip;
      if (chips !== undefined && (chip === undefined || chips.has(chip))) return;
      const what =
        chips === undefined ? 'an image that was never packed' : `an image for ${[...chips].join(', ')}`;
      report({
        atMs: event.atMs,
        board: event.board,
        message: `${event.board} (${chip ?? 'unknown chip'}) runs ${what}: ${event.digest}`,
      });
    },
  };
};
