import type { BootFailure, BootOutcome, Selection } from './bootloader.ts';

const SELECTIONS: Readonly<Record<Selection, string>> = {
  'no-otadata': 'there is no otadata partition',
  'active-entry': 'the otadata entry in force names it',
  'first-boot': 'the otadata entry in force is new: this is its first boot, to be confirmed',
  'counted-boot': 'not confirmed yet, and the boot counter grants another try',
  'default-factory': 'no otadata entry is usable, and there is a factory app',
  'default-ota-0': 'no otadata entry is usable, and there is no factory app',
  'initial-otadata': 'otadata is as erased, so every slot is tried',
  'invalid-otadata': 'no otadata entry can be trusted, so every slot is tried',
  'test-pin': 'the test pin was held',
};
const FAILURES: Readonly<Record<BootFailure, string>> = {
  'no-bootloader': 'the mask ROM finds no valid bootloader',
  'bad-partition-table': 'the partition table is missing or damaged',
  'bad-otadata-partition': 'the otadata partition is smaller than two sectors',
  'no-test-app': 'the test pin was held and there is no test app',
  'no-bootable-app': 'no app partition holds a bootable image',
};

/** Why a boot ended as it did, one sentence in plain words. */
export function explainBoot(outcome: BootOutcome): string {
  const last = outcome.passes.at(-1);
  if (last === undefined) return 'the chip did not start';
  if (last.failure !== undefined) return `${FAILURES[last.failure]}: the chip resets for ever`;
  const parts: string[] = [];
  const aborted = outcome.passes.flatMap((pass) => pass.aborted);
  if (aborted.length > 0) parts.push(`unconfirmed otadata entry ${aborted.join(' and ')} was given up`);
  const [first, ...others] = last.attempts;
  if (last.selection !== undefined) {
    const chosen = others.length > 0 ? `${first?.slot} first` : `${outcome.slot}`;
    parts.push(`${chosen}: ${SELECTIONS[last.selection]}`);
  }
  for (const { slot, verdict } of last.attempts.slice(0, -1))
    parts.push(
      `${slot} is not bootable: ${verdict?.ok === false ? verdict.refusal.message : 'its secure version is too low'}`,
    );
  return parts.join('; ');
}
