/** Why foreign bytes or a foreign text were refused. */
export type RefusalCode = 'malformed' | 'too-large' | 'unsupported-media-type' | 'unsafe-path';

/** What was wrong, where, and what to do; never holds the bytes themselves. */
export interface Refusal {
  readonly code: RefusalCode;
  /** Path inside what was read, for example `manifests[2].digest` or `entry 3`; empty for the whole. */
  readonly place: string;
  readonly message: string;
}

/** What a decoder of foreign bytes returns; it never throws. */
export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };

export function accept<T>(value: T): Decoded<T> {
  return { ok: true, value };
}

export function refuse(code: RefusalCode, place: string, message: string): Decoded<never> {
  const where = place === '' ? message : `${place}: ${message}`;
  return { ok: false, refusal: { code, place, message: where } };
}

/** A foreign text made safe to put in a message: quoted, escaped, at most 80 characters of it. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}
