import { readFileSync, statSync } from 'node:fs';
import { rejectUsage } from './failure.ts';

/** Largest flash an ESP32 addresses: nothing these commands read is larger. */
export const FLASH_SIZE_MAX = 128 * 1024 * 1024;

/** The bytes of a file the user named. Fails as `usage` when there is none, or when it is empty or too large. */
export function readInput(path: string, bytesMax = FLASH_SIZE_MAX): Uint8Array {
  try {
    const stats = statSync(path);
    if (stats.isDirectory()) rejectUsage(`${path} is a folder; give a file`);
    if (stats.size > bytesMax)
      rejectUsage(`${path} has ${stats.size} bytes; at most ${bytesMax} make sense here`);
    const bytes = readFileSync(path);
    if (bytes.length === 0) rejectUsage(`${path} is empty`);
    return bytes;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') rejectUsage(`there is no file ${path}`);
    if (code === 'EACCES' || code === 'EPERM') rejectUsage(`${path} may not be read; check its permissions`);
    throw error;
  }
}

/** The text of a file; fails as `usage` when its bytes are no UTF-8. */
export function readTextInput(path: string): string {
  return textOf(readInput(path)) ?? rejectUsage(`${path} is no text file`);
}

/** Bytes as text; undefined when they are no UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}
