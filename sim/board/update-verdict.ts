import type { Partition } from '../../src/esp/partition-table.ts';
import { refuse } from '../../src/esp/refusal.ts';
import { checkSignature, readSignatureBlocksAt } from '../../src/esp/secure-boot-v2.ts';
import type { RunningApp } from './running-app.ts';
import { judgeSlot, type SlotVerdict } from './slot-verdict.ts';

/**
 * What the running app says of an update, before otadata may name it: what the bootloader would say, and, where
 * the app is built so and the fuses do not ask for it anyway, whether a key vouches for it that the app is signed with.
 *
 * Source: ESP32-C3 book, 13.4.3, and esp-idf, secure-boot-v2.rst, on signed apps without hardware secure boot.
 */
export function judgeUpdate(app: RunningApp, partition: Partition): SlotVerdict {
  const { flash, efuse } = app;
  const verdict = judgeSlot(flash, efuse, partition);
  if (!verdict.ok || efuse.secureBoot || !app.signedUpdates) return verdict;
  const digests = keysOf(app);
  const { imageLength } = verdict.value;
  const identity = flash.identityOf(partition.offset, partition.size);
  return flash.store.memo(`update:${efuse.chip.name}:${digests.join()}:${identity}`, () => {
    const bytes = flash.read(partition.offset, partition.size);
    const { schemes } = efuse.chip.secureBootV2;
    const trusted = { digests, revoked: digests.map(() => false), schemes };
    const { acceptedBy, problems } = checkSignature(bytes, imageLength, trusted);
    if (acceptedBy !== undefined) return verdict;
    return refuse(
      'not-trusted' as const,
      imageLength,
      `signed by no key that the running app is signed with: ${problems.join(', ')}`,
    );
  });
}

/** Digests of the keys that the running app is signed with. */
function keysOf({ flash, efuse, partition }: RunningApp): readonly string[] {
  const running = judgeSlot(flash, efuse, partition);
  if (!running.ok) return [];
  const identity = flash.identityOf(partition.offset, partition.size);
  return flash.store.memo(`keys:${identity}`, () => {
    const bytes = flash.read(partition.offset, partition.size);
    return readSignatureBlocksAt(bytes, running.value.imageLength).map(({ keyDigest }) => keyDigest);
  });
}
