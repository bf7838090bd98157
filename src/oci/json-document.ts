import { type Digest, parseDigest } from './digest.ts';
import { accept, type Decoded, quote, type Refusal, type RefusalCode, refuse } from './refusal.ts';

/** Lists and maps in a document are cut off here; a manifest of ours has under 20 entries. */
const ENTRIES_MAX = 1024;

class RefusedHere extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** A JSON value that knows where in its document it stands, and refuses by that place. */
export class JsonPlace {
  readonly #value: unknown;
  readonly #place: string;

  constructor(value: unknown, place: string) {
    this.#value = value;
    this.#place = place;
  }

  get present(): boolean {
    return this.#value !== undefined;
  }

  /** Go writes an empty map or object as null. */
  get isNull(): boolean {
    return this.#value === null;
  }

  at(key: string): JsonPlace {
    const place = this.#place === '' ? key : `${this.#place}.${key}`;
    const members = this.#members();
    return new JsonPlace(Object.hasOwn(members, key) ? members[key] : undefined, place);
  }

  /** Names of the members, in the document's order. */
  keys(): readonly string[] {
    const keys = Object.keys(this.#members());
    if (keys.length > ENTRIES_MAX)
      this.refuse('too-large', `has ${keys.length} members; at most ${ENTRIES_MAX} are read`);
    return keys;
  }

  string(): string {
    if (typeof this.#value !== 'string') this.refuse('malformed', `must be a string, not ${this.#shape()}`);
    return this.#value;
  }

  /** A whole number, zero or more. */
  count(): number {
    if (typeof this.#value !== 'number' || !Number.isSafeInteger(this.#value) || this.#value < 0)
      this.refuse('malformed', `must be a whole number of 0 or more, not ${this.#shape()}`);
    return this.#value;
  }

  digest(): Digest {
    const parsed = parseDigest(this.string(), this.#place);
    if (!parsed.ok) throw new RefusedHere(parsed.refusal);
    return parsed.value;
  }

  list(): JsonPlace[] {
    if (!Array.isArray(this.#value)) this.refuse('malformed', `must be a list, not ${this.#shape()}`);
    if (this.#value.length > ENTRIES_MAX)
      this.refuse('too-large', `has ${this.#value.length} entries; at most ${ENTRIES_MAX} are read`);
    return this.#value.map((entry, index) => new JsonPlace(entry, `${this.#place}[${index}]`));
  }

  /** A map of strings to strings, as annotations and labels are. */
  strings(): Readonly<Record<string, string>> {
    const entries = Object.entries(this.#members());
    if (entries.length > ENTRIES_MAX)
      this.refuse('too-large', `has ${entries.length} entries; at most ${ENTRIES_MAX} are read`);
    for (const [key, value] of entries)
      if (typeof value !== 'string') this.refuse('malformed', `the value of ${quote(key)} must be a string`);
    return Object.fromEntries(entries) as Record<string, string>;
  }

  refuse(code: RefusalCode, message: string): never {
    const refusal = refuse(code, this.#place, message);
    throw new RefusedHere((refusal as { refusal: Refusal }).refusal);
  }

  #members(): Readonly<Record<string, unknown>> {
    if (typeof this.#value !== 'object' || this.#value === null || Array.isArray(this.#value))
      this.refuse('malformed', `must be an object, not ${this.#shape()}`);
    return this.#value as Record<string, unknown>;
  }

  #shape(): string {
    if (this.#value === undefined) return 'missing';
    if (this.#value === null) return 'null';
    if (Array.isArray(this.#value)) return 'a list';
    return typeof this.#value === 'object' ? 'an object' : quote(String(this.#value));
  }
}

/** Parses UTF-8 JSON and hands its root to `read`; whatever `read` refuses comes back as a refusal. */
export function decodeJson<T>(bytes: Uint8Array, bytesMax: number, read: (root: JsonPlace) => T): Decoded<T> {
  if (bytes.length > bytesMax)
    return refuse('too-large', '', `document of ${bytes.length} bytes; at most ${bytesMax} are read`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return refuse('malformed', '', 'document is not JSON in UTF-8');
  }
  try {
    return accept(read(new JsonPlace(value, '')));
  } catch (error) {
    if (error instanceof RefusedHere) return { ok: false, refusal: error.refusal };
    throw error;
  }
}

/** What a canonical document may hold; members that are undefined are left out. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/**
 * One text per value: members sorted by UTF-16 code units, no white space, so that equal content has
 * equal digests. Source: RFC 8785 (JCS), for strings, whole numbers and containers.
 */
export function encodeCanonicalJson(value: JsonValue): Uint8Array {
  return new TextEncoder().encode(canonicalText(value));
}

function canonicalText(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value as Record<string, JsonValue | undefined>)
      .filter((member): member is [string, JsonValue] => member[1] !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalText(member)}`);
    return `{${members.join(',')}}`;
  }
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    throw new RangeError(`a canonical document holds whole numbers only, not ${value}`);
  return JSON.stringify(value);
}
