import { badRequest } from './status-errors.ts';
import { isMembers } from './stored-object.ts';

/** Where a list goes on. */
export interface Continuation {
  /** The instant that every page of the list shows; undefined: the present, whatever earlier pages showed. */
  readonly version: number | undefined;
  /** The first key that may follow: `name`, or `namespace/name` in a list of all namespaces. */
  readonly start: string;
}

const TOKEN_VERSION = 'meta.k8s.io/v1';
const ANY_VERSION = -1;

/** A token says everything itself, so that any server over the same store can go on. Source: apiserver, storage/continue.go. */
export function encodeContinue({ version = ANY_VERSION, start }: Continuation): string {
  return Buffer.from(JSON.stringify({ v: TOKEN_VERSION, rv: version, start: `/${start}` })).toString(
    'base64url',
  );
}

/** Throws BadRequest on what is no token. */
export function decodeContinue(token: string): Continuation {
  const { v, rv, start } = membersIn(token);
  if (v !== TOKEN_VERSION) throw invalid(`server does not recognize this encoded version ${v ?? ''}`);
  if (typeof rv !== 'number' || rv === 0)
    throw invalid(`incorrect encoded start resourceVersion (version ${TOKEN_VERSION})`);
  if (typeof start !== 'string' || start === '')
    throw invalid(`encoded start key empty (version ${TOKEN_VERSION})`);
  const key = start.replace(/^\//, '');
  // A key never leaves the folder of its kind.
  if (key.split('/').some((part) => part === '..' || part === '.' || part === '')) throw invalid(start);
  return { version: rv === ANY_VERSION ? undefined : rv, start: key };
}

function membersIn(token: string): Partial<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch (error) {
    throw invalid((error as Error).message);
  }
  if (!isMembers(parsed)) throw invalid('not an object');
  return parsed;
}

function invalid(why: string): Error {
  return badRequest(`invalid continue token: continue key is not valid: ${why}`);
}
