/** Why foreign bytes were not accepted. Match on `code`; `message` is for people and may change. */
export interface Refusal<Code extends string> {
  readonly code: Code;
  /** Where in the input the trouble starts, in bytes (for text: the line, from 1). */
  readonly offset: number;
  readonly message: string;
}

/** What every decoder of this room returns: it never throws on what it reads. */
export type Decoded<T, Code extends string> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal<Code> };

export function accept<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function refuse<Code extends string>(
  code: Code,
  offset: number,
  message: string,
): { readonly ok: false; readonly refusal: Refusal<Code> } {
  return { ok: false, refusal: { code, offset, message } };
}
