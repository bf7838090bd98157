import type { BlockStore } from '../../sim/board/block-store.ts';
import { Efuse, type KeySlot } from '../../sim/board/efuse.ts';
import { NorFlash } from '../../sim/board/nor-flash.ts';
import type { DownloadMode } from '../../sim/serial/efuse-window.ts';
import type { Chip } from '../esp/chips.ts';

/** What was asked for a board makes no board; the message says what to give instead. */
export class BoardArgumentError extends Error {
  override readonly name = 'BoardArgumentError';
}

const DEFAULT_FLASH_SIZE = 4 * 1024 * 1024;
const FLASH_SIZE_MIN = 256 * 1024;
const FLASH_SIZE_MAX = 128 * 1024 * 1024;
/** Espressif's first registered address block, with a counter behind it: the boards of one command differ. */
const FIRST_MAC = 0x7cdfa1_000001;

/** `4MB`, `512KB`, `4M` in bytes; sizes are powers of two, as flash parts are. */
export function parseFlashSize(text: string): number {
  const match = /^(\d+)(k|m)i?b?$/i.exec(text);
  const size = Number(match?.[1]) * (match?.[2]?.toLowerCase() === 'k' ? 1024 : 1024 * 1024);
  if (match === null || !isFlashSize(size))
    throw new BoardArgumentError(`--flash-size ${text}: flash parts have 256KB, 512KB, 1MB, 2MB … 128MB`);
  return size;
}

/** A flash of `size` bytes that starts with `image`; `name` is what messages call the image. */
export function flashOfImage(
  store: BlockStore,
  image: Uint8Array | undefined,
  size: number | undefined,
  name: string,
): NorFlash {
  if (image === undefined) return NorFlash.blank(store, size ?? DEFAULT_FLASH_SIZE);
  if (size === undefined) {
    if (!isFlashSize(image.length))
      throw new BoardArgumentError(
        `${name} has ${image.length} bytes, which is no flash size; give a whole dump, or say --flash-size`,
      );
    return NorFlash.ofImage(store, image);
  }
  if (image.length > size)
    throw new BoardArgumentError(`${name} has ${image.length} bytes, the flash only ${size}`);
  const contents = new Uint8Array(size).fill(0xff);
  contents.set(image);
  return NorFlash.ofImage(store, contents);
}

/** Burns `field=value` settings into a fresh chip, the `index`th of its command. */
export function burnFuses(
  chip: Chip,
  index: number,
  settings: readonly string[],
): { readonly efuse: Efuse; readonly downloadMode: DownloadMode } {
  const values = new Map<string, string>();
  for (const setting of settings) {
    const [field = '', ...rest] = setting.split('=');
    values.set(field, rest.length === 0 ? '1' : rest.join('='));
  }
  const take = (field: string): string | undefined => {
    const value = values.get(field);
    values.delete(field);
    return value;
  };
  const number = (field: string): number | undefined => {
    const value = take(field);
    if (value !== undefined && !/^\d+$/.test(value))
      throw new BoardArgumentError(`--efuse ${field}=${value}: a number is wanted`);
    return value === undefined ? undefined : Number(value);
  };
  try {
    const mac = take('mac')?.toLowerCase().replaceAll(/[:-]/g, '') ?? (FIRST_MAC + index).toString(16);
    const efuse = new Efuse(chip, mac, number('revision') ?? chip.revision);
    const secureVersion = number('secure-version');
    if (secureVersion !== undefined && !efuse.burnSecureVersion(secureVersion))
      throw new BoardArgumentError(
        `--efuse secure-version=${secureVersion}: ${chip.label} counts to ${chip.secureVersionBits}`,
      );
    if (take('secure-boot') === '1') efuse.enableSecureBoot();
    if (take('aggressive-revoke') === '1') efuse.enableAggressiveRevoke();
    for (const slot of [0, 1, 2] as const)
      burnKey(efuse, slot, take(`key-digest${slot}`), take(`revoke${slot}`));
    const downloadMode = take('download') ?? 'open';
    if (downloadMode !== 'open' && downloadMode !== 'secure' && downloadMode !== 'disabled')
      throw new BoardArgumentError(`--efuse download=${downloadMode}: open, secure or disabled`);
    const [unknown] = values.keys();
    if (unknown !== undefined)
      throw new BoardArgumentError(
        `--efuse ${unknown}: known are mac, revision, secure-version, secure-boot, aggressive-revoke, key-digest0–2, revoke0–2 and download`,
      );
    return { efuse, downloadMode };
  } catch (cause) {
    if (cause instanceof RangeError) throw new BoardArgumentError(`--efuse: ${cause.message}`);
    throw cause;
  }
}

function burnKey(efuse: Efuse, slot: KeySlot, digest: string | undefined, revoke: string | undefined): void {
  if (digest !== undefined) {
    if (!/^[0-9a-f]{64}$/i.test(digest))
      throw new BoardArgumentError(`--efuse key-digest${slot}: 64 hex digits of a SHA-256 are wanted`);
    efuse.burnKeyDigest(slot, digest.toLowerCase());
  }
  if (revoke === '1') efuse.revokeKey(slot);
}

function isFlashSize(size: number): boolean {
  return size >= FLASH_SIZE_MIN && size <= FLASH_SIZE_MAX && Number.isInteger(Math.log2(size));
}
