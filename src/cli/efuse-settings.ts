import { Efuse, type KeySlot } from '../../sim/board/efuse.ts';
import type { Chip } from '../esp/chips.ts';
import { rejectUsage } from './failure.ts';
import { parseWhole } from './number-argument.ts';

/** MAC of a part that nothing is known of: the first address of Espressif's oldest block. */
const UNKNOWN_MAC = '240ac4000000';
const KNOWN =
  'mac, revision, secure-version, secure-boot, aggressive-revoke, key-digest0 to 2 and revoke0 to 2';

/** A part with these `field=value` settings burnt; a flag may leave out its `=1`. `revision` is what it has when no setting says. */
export function burnEfuses(chip: Chip, settings: readonly string[], revision: number): Efuse {
  const values = new Map<string, string>();
  for (const setting of settings) {
    const equals = setting.indexOf('=');
    const field = equals < 0 ? setting : setting.slice(0, equals);
    if (values.has(field)) rejectUsage(`--efuse ${field}: given twice`);
    values.set(field, equals < 0 ? '1' : setting.slice(equals + 1));
  }
  const take = (field: string): string | undefined => {
    const value = values.get(field);
    values.delete(field);
    return value;
  };
  const flag = (field: string): boolean => parseWhole(`--efuse ${field}`, take(field) ?? '0', 0, 1) === 1;
  try {
    const mac = (take('mac') ?? UNKNOWN_MAC).toLowerCase().replaceAll(/[:-]/g, '');
    const said = take('revision');
    const efuse = new Efuse(
      chip,
      mac,
      said === undefined ? revision : parseWhole('--efuse revision', said, 0, 0xffff),
    );
    burnSecureVersion(efuse, '--efuse secure-version', take('secure-version') ?? '0');
    if (flag('secure-boot')) efuse.enableSecureBoot();
    if (flag('aggressive-revoke')) efuse.enableAggressiveRevoke();
    for (const slot of [0, 1, 2] as const) {
      const digest = take(`key-digest${slot}`);
      if (digest !== undefined) burnKeyDigest(efuse, slot, digest);
      if (flag(`revoke${slot}`)) efuse.revokeKey(slot);
    }
    const [unknown] = values.keys();
    if (unknown !== undefined) rejectUsage(`--efuse ${unknown}: there is no such field; known are ${KNOWN}`);
    return efuse;
  } catch (error) {
    if (error instanceof RangeError) rejectUsage(`--efuse: ${error.message}`);
    throw error;
  }
}

/** Burns the anti-rollback counter up to the level that `option` asks for. */
export function burnSecureVersion(efuse: Efuse, option: string, level: string): void {
  efuse.burnSecureVersion(parseWhole(option, level, 0, efuse.chip.secureVersionBits));
}

function burnKeyDigest(efuse: Efuse, slot: KeySlot, digest: string): void {
  if (!/^[0-9a-f]{64}$/i.test(digest))
    rejectUsage(
      `--efuse key-digest${slot}: 64 hex digits are wanted, the SHA-256 that image inspect shows for a key`,
    );
  efuse.burnKeyDigest(slot, digest.toLowerCase());
}
