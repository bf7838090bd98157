import { accept, type Decoded, quote, refuse } from './refusal.ts';

/** One member of an archive. */
export interface TarEntry {
  /** Relative, without `./`, without a slash at the end, never leaving the archive's root. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'link' | 'other';
  /** A view into the archive; empty unless a file. */
  readonly content: Uint8Array;
}

/** Source: POSIX.1-2017, pax, "ustar Interchange Format": block, field offsets and lengths. */
const BLOCK = 512;
const NAME = { offset: 0, length: 100 };
const SIZE = { offset: 124, length: 12 };
const CHECKSUM = { offset: 148, length: 8 };
const TYPE_OFFSET = 156;
const MAGIC = { offset: 257, length: 5 };
const PREFIX = { offset: 345, length: 155 };

const ENTRIES_MAX = 4096;

type Step = { readonly next: number; readonly type: string; readonly size: number; readonly start: number };

/**
 * Reads a whole archive: ustar, with pax and GNU long names.
 *
 * Content is not copied. One entry whose path would leave the root refuses the archive: whoever wrote
 * it meant harm or is broken, and no other entry deserves trust then.
 */
export function readTar(archive: Uint8Array): Decoded<readonly TarEntry[]> {
  const entries: TarEntry[] = [];
  let longPath: string | undefined;
  let longSize: number | undefined;
  for (let offset = 0, count = 0; offset + BLOCK <= archive.length; count++) {
    const header = archive.subarray(offset, offset + BLOCK);
    if (header.every((byte) => byte === 0)) break;
    const place = `entry ${count}`;
    if (count >= ENTRIES_MAX) return refuse('too-large', place, `more than ${ENTRIES_MAX} entries`);
    const step = readHeader(header, offset, longSize);
    if (typeof step === 'string') return refuse('malformed', place, step);
    if (step.start + step.size > archive.length)
      return refuse('malformed', place, `says ${step.size} bytes; the archive ends before`);
    const content = archive.subarray(step.start, step.start + step.size);
    offset = step.next;
    if (step.type === 'x') {
      const pax = readPax(content);
      if (pax === undefined) return refuse('malformed', place, 'pax header is not made of records');
      longPath = pax.get('path') ?? longPath;
      longSize = pax.has('size') ? Number(pax.get('size')) : longSize;
      if (longSize !== undefined && !Number.isSafeInteger(longSize))
        return refuse('malformed', place, 'pax size is not a whole number');
    } else if (step.type === 'L') {
      longPath = textOf(content);
    } else if (step.type !== 'g' && step.type !== 'K') {
      const written = longPath ?? nameOf(header);
      const path = safePath(written);
      if (path === undefined)
        return refuse('unsafe-path', place, `${quote(written)} would be written outside the archive's root`);
      const type = typeOf(step.type);
      entries.push({ path, type, content: type === 'file' ? content : content.subarray(0, 0) });
      [longPath, longSize] = [undefined, undefined];
    }
  }
  return accept(entries);
}

/** The path without `./` and doubled slashes; undefined when it is absolute, climbs, or hides a NUL. */
export function safePath(path: string): string | undefined {
  if (path.startsWith('/') || path.includes('\0') || path.includes('\\')) return undefined;
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return parts.includes('..') ? undefined : parts.join('/');
}

function readHeader(header: Uint8Array, offset: number, longSize: number | undefined): Step | string {
  // The checksum counts its own field as spaces.
  let sum = 0;
  for (let index = 0; index < BLOCK; index++) {
    const own = index >= CHECKSUM.offset && index < CHECKSUM.offset + CHECKSUM.length;
    sum += own ? 0x20 : (header[index] ?? 0);
  }
  if (numberAt(header, CHECKSUM) !== sum) return 'header checksum is wrong';
  const type = String.fromCharCode(header[TYPE_OFFSET] ?? 0);
  const size = 'xgLK'.includes(type) ? numberAt(header, SIZE) : (longSize ?? numberAt(header, SIZE));
  if (size === undefined || size < 0) return 'size field is not a number';
  const start = offset + BLOCK;
  // Links and directories carry no content, whatever the size field says.
  const stored = '123456'.includes(type) ? 0 : size;
  return { next: start + Math.ceil(stored / BLOCK) * BLOCK, type, size: stored, start };
}

function typeOf(flag: string): TarEntry['type'] {
  if (flag === '0' || flag === '\0' || flag === '7') return 'file';
  if (flag === '5') return 'directory';
  return flag === '1' || flag === '2' ? 'link' : 'other';
}

function nameOf(header: Uint8Array): string {
  const name = fieldText(header, NAME);
  const prefix = fieldText(header, MAGIC) === 'ustar' ? fieldText(header, PREFIX) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

function fieldText(header: Uint8Array, field: { offset: number; length: number }): string {
  return textOf(header.subarray(field.offset, field.offset + field.length));
}

function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end === -1 ? bytes : bytes.subarray(0, end));
}

/** Octal text, or GNU's base-256 when the first bit is set. Undefined when it is neither. */
function numberAt(header: Uint8Array, field: { offset: number; length: number }): number | undefined {
  const first = header[field.offset] ?? 0;
  if ((first & 0x80) !== 0) {
    let value = first & 0x7f;
    for (let index = 1; index < field.length; index++)
      value = value * 256 + (header[field.offset + index] ?? 0);
    return Number.isSafeInteger(value) ? value : undefined;
  }
  const text = fieldText(header, field).trim();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : undefined;
}

/** Records of `<length> <key>=<value>\n`, the length counting the whole record. Source: POSIX pax. */
function readPax(bytes: Uint8Array): Map<string, string> | undefined {
  const records = new Map<string, string>();
  for (let offset = 0; offset < bytes.length; ) {
    const head = /^(\d{1,9}) /.exec(new TextDecoder().decode(bytes.subarray(offset, offset + 10)));
    const length = Number(head?.[1] ?? 0);
    if (head === null || length <= head[0].length || offset + length > bytes.length) return undefined;
    const record = new TextDecoder().decode(bytes.subarray(offset + head[0].length, offset + length));
    const equals = record.indexOf('=');
    if (equals === -1 || !record.endsWith('\n')) return undefined;
    records.set(record.slice(0, equals), record.slice(equals + 1, -1));
    offset += length;
  }
  return records;
}
