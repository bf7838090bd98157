import { z } from 'zod';
import { BOOTS_WITHOUT_CONFIRM_MAX } from '../../esp/boot-counter.ts';
import { CHIP_NAMES, type ChipName } from '../../esp/chips.ts';
import {
  amount,
  bandwidthBitsPerSecond,
  durationMs,
  durationSpread,
  share,
  sizeBytes,
} from './schema-quantity.ts';

export const chip = z
  .enum(CHIP_NAMES as [ChipName, ...ChipName[]])
  .describe('Chip, by the name ESP-IDF gives the target.');
export const labels = z.record(z.string(), z.string()).describe('Labels a board must have, or has.');

/** What a board is from the start; what selectors of every kind share. */
export const staticMembers = {
  group: z.string().optional().describe('Boards of this group.'),
  chip: chip.optional(),
  labels: labels.optional(),
};

export const boardSelector = z
  .strictObject({
    ...staticMembers,
    boards: z.array(z.string()).min(1).optional().describe('These boards, by name: greenhouse-017.'),
    count: amount.optional().describe('So many of those that match, drawn by the seed.'),
  })
  .describe('Which boards; members narrow each other.');

const behaviour = z
  .strictObject({
    on: boardSelector.optional().describe('Absent: every board.'),
    healthy: z.literal(true).optional().describe('Passes its self-test, confirms itself, keeps running.'),
    crash: z.strictObject({ after: durationMs }).optional().describe('Panics so long after each start.'),
    hang: z.strictObject({ after: durationMs }).optional().describe('Hangs until the watchdog bites.'),
    'never-confirm': z.literal(true).optional().describe('Runs, and never confirms itself.'),
    'fail-self-test': z.literal(true).optional().describe('Finds itself broken and asks for the old image.'),
  })
  .describe('What a virtual board does when it runs this image. The first entry that matches counts.');

export const firmware = z
  .strictObject({
    application: z
      .string()
      .min(1)
      .optional()
      .describe('Name of the application; of a file, what the image says.'),
    version: z
      .string()
      .min(1)
      .optional()
      .describe('Absent: the tag of the key; of a file, what the image says.'),
    size: sizeBytes.optional().describe('Size of each image.'),
    'secure-version': z.int().min(0).max(16).optional().describe('Anti-rollback level; 0 when absent.'),
    chips: z
      .array(chip)
      .min(1)
      .optional()
      .describe('Chips it is built for; absent: every chip of the fleet.'),
    behaviour: z.array(behaviour).optional(),
    rollback: z
      .union(
        [
          z.literal('esp-idf'),
          z.strictObject({ 'boot-counter': z.int().min(1).max(BOOTS_WITHOUT_CONFIRM_MAX) }),
        ],
        { error: 'must be "esp-idf" or { boot-counter: N }' },
      )
      .optional()
      .describe('What takes a board back: ESP-IDF after one unconfirmed boot, or a counter that grants N.'),
    file: z
      .union([z.string(), z.partialRecord(chip, z.string())], { error: 'must be a path, or a path per chip' })
      .optional()
      .describe("A user's own app image, by path from the scenario's folder; one, or one per chip."),
    'signed-by': z.string().optional().describe('Key of signatures.keys that signs it; absent: nobody does.'),
    'image-signed-by': z
      .string()
      .optional()
      .describe('Key of signatures.keys whose Secure Boot V2 block ends each image; absent: none does.'),
    'delta-from': z
      .array(z.string())
      .min(1)
      .optional()
      .describe('Firmware that boards may run now: the artifact gets a delta from each.'),
    push: z.array(z.string().min(1)).optional().describe('Further references it is pushed under.'),
  })
  .describe('One firmware: an app image per chip, pushed as registry.local/<key>.');

const link = z
  .strictObject({
    latency: durationSpread.optional().describe('One way; each board draws its own.'),
    jitter: durationMs.optional().describe('Added to each message, uniformly from none to all of it.'),
    loss: share.optional().describe('Messages lost on the way, each way.'),
    bandwidth: bandwidthBitsPerSecond.optional(),
  })
  .describe('The link between board and broker; what is absent is perfect.');

export const group = z
  .strictObject({
    group: z
      .string()
      .regex(/^[a-z]([-a-z0-9]*[a-z0-9])?$/, { error: 'must be lower-case letters, digits and dashes' })
      .describe('Boards are called <group>-001 and so on.'),
    boards: z.int().min(1).max(1_000_000).describe('How many.'),
    chips: z.partialRecord(chip, share).optional().describe('Shares of each chip, 100% together.'),
    runs: z.string().describe('Key of the firmware it left the factory with.'),
    labels: labels.optional(),
    link: link.optional(),
    power: z
      .strictObject({ source: z.enum(['mains', 'battery']) })
      .optional()
      .describe('Where power comes from.'),
    identity: z
      .enum(['genuine', 'cloned', 'forged', 'replayed'])
      .optional()
      .describe(
        'Who it is: itself, a copy of another without its secret, one that alters or replays evidence.',
      ),
    clones: z.string().optional().describe('The group whose boards the cloned ones pretend to be.'),
    bootloader: z
      .enum(['esp-idf', 'boot-counter', 'no-rollback'])
      .optional()
      .describe('boot-counter knows both rollback kinds and is what boards have when nothing is said.'),
    'secure-boot': z
      .array(z.string())
      .min(1)
      .max(3)
      .optional()
      .describe('Keys of signatures.keys whose digests are burnt: only what they sign boots. Absent: off.'),
    'signed-updates': z
      .literal(true)
      .optional()
      .describe('Without secure boot: the app takes only updates signed by a key that it is signed with.'),
  })
  .describe('Boards of one kind.');
