import { BOOTS_WITHOUT_CONFIRM_MAX, makeBootCounterLabel } from '../esp/boot-counter.ts';
import {
  activeEntry,
  encodeOtadataEntry,
  makeOtadataEntry,
  OTA_STATES,
  OTADATA_SIZE,
  type OtaStateName,
  SEQUENCE_UNSET,
  sequenceForSlot,
  slotOfSequence,
} from '../esp/otadata.ts';
import { rejectUsage } from './failure.ts';
import { parseWhole } from './number-argument.ts';
import { countOf, pairIn, readPair } from './otadata-file.ts';

const SECTOR_SIZE = OTADATA_SIZE / 2;

export interface MakeOptions {
  readonly slot: string;
  readonly state: string;
  readonly seq?: string;
  readonly slots?: string;
  readonly from?: string;
  readonly bootsWithoutConfirm?: string;
  readonly out: string;
}

/** The partition after the slot was selected. The rules are those of esp_ota_set_boot_partition. */
export function makeOtadata(options: MakeOptions): Uint8Array {
  const known = options.from === undefined ? undefined : readPair(options.from, options.slots);
  const bytes = known?.bytes.slice() ?? new Uint8Array(OTADATA_SIZE).fill(0xff);
  if (options.slot === 'factory') return bytes.fill(0xff);
  const slotCount = known?.slotCount ?? countOf(options.slots);
  const slot = Number(/^ota_(\d{1,2})$/.exec(options.slot)?.[1] ?? Number.NaN);
  if (!(slot < slotCount))
    rejectUsage(
      `--slot ${options.slot}: factory or ota_0 to ota_${slotCount - 1}; --slots says how many there are`,
    );
  const { state } = options;
  if (!Object.hasOwn(OTA_STATES, state))
    rejectUsage(`--state ${state}: known are ${Object.keys(OTA_STATES).join(', ')}`);

  const pair = pairIn(bytes);
  const active = activeEntry(pair);
  const current = active === undefined ? 0 : pair[active].sequence;
  const sequence =
    options.seq === undefined
      ? sequenceForSlot(Math.max(1, current), slot, slotCount)
      : parseWhole('--seq', options.seq, 1, SEQUENCE_UNSET - 1);
  if (slotOfSequence(sequence, slotCount) !== slot)
    rejectUsage(
      `--seq ${sequence} names ota_${slotOfSequence(sequence, slotCount)} of ${slotCount} slots, not ${options.slot}`,
    );
  const sector = active === undefined ? 0 : sequence === current ? active : 1 - active;
  const label =
    options.bootsWithoutConfirm === undefined
      ? undefined
      : makeBootCounterLabel(
          parseWhole('--boots-without-confirm', options.bootsWithoutConfirm, 1, BOOTS_WITHOUT_CONFIRM_MAX),
        );
  const start = sector * SECTOR_SIZE;
  bytes.fill(0xff, start, start + SECTOR_SIZE);
  bytes.set(encodeOtadataEntry(makeOtadataEntry(sequence, state as OtaStateName, label)), start);
  return bytes;
}
