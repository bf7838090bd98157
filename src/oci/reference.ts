import { type Digest, parseDigest } from './digest.ts';
import { accept, type Decoded, quote, refuse } from './refusal.ts';

/** A place that holds blobs, manifests and tags. */
export interface Repository {
  /** Host name with an optional port, as written: `registry.local:5000`, `[::1]:5000`. */
  readonly host: string;
  /** Slash-separated lower-case path: `nubificus/esp32`. */
  readonly name: string;
}

/** What a `firmware:` field means. A digest, where there is one, wins over the tag. */
export interface Reference extends Repository {
  /** Absent only when a digest was given without a tag. */
  readonly tag?: string;
  readonly digest?: Digest;
}

const REFERENCE_LENGTH_MAX = 512;
/** Source: OCI distribution-spec, "Pulling manifests": the two grammars, and 255 for host and name. */
const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const NAME_LENGTH_MAX = 255;
const HOST_LABELS =
  /^[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*$/;
const HOST_IPV6 = /^\[[0-9a-fA-F:.]+\]$/;

/** The registry meant by a reference that names none, as every container tool reads it. */
export const DEFAULT_HOST = 'docker.io';

/**
 * Reads `[host[:port]/]name[:tag][@digest]`.
 *
 * The first part is a host when it holds a dot or a colon or is `localhost`; otherwise the host is
 * docker.io, and a name of one part gets `library/` before it. Without tag and digest the tag is
 * `latest`. Source: distribution/reference, "normalize".
 */
export function parseReference(text: string): Decoded<Reference> {
  if (text === '') return refuse('malformed', 'reference', 'is empty; write host/name:tag');
  if (text.length > REFERENCE_LENGTH_MAX)
    return refuse('too-large', 'reference', `is longer than ${REFERENCE_LENGTH_MAX} characters`);
  if (/^[a-z]+:\/\//.test(text))
    return refuse('malformed', 'reference', 'is a URL; write host/name:tag without a scheme');

  const at = text.indexOf('@');
  const beforeDigest = at === -1 ? text : text.slice(0, at);
  const digest = at === -1 ? undefined : parseDigest(text.slice(at + 1), 'digest');
  if (digest !== undefined && !digest.ok) return digest;

  const { host, path } = splitHost(beforeDigest);
  const hostFault = faultOfHost(host);
  if (hostFault !== undefined) return refuse('malformed', 'host', hostFault);

  // The port went with the host, so a colon left over can only start a tag.
  const colon = path.indexOf(':');
  const written = colon === -1 ? path : path.slice(0, colon);
  const name = host === DEFAULT_HOST && !written.includes('/') ? `library/${written}` : written;
  const nameFault = faultOfName(name);
  if (nameFault !== undefined) return refuse('malformed', 'name', nameFault);

  const tag = colon === -1 ? (digest === undefined ? 'latest' : undefined) : path.slice(colon + 1);
  if (tag !== undefined && !isTag(tag))
    return refuse(
      'malformed',
      'tag',
      `${quote(tag)} is not a tag: 1 to 128 letters, digits, '_', '.', '-', not starting with '.' or '-'`,
    );
  return accept({
    host,
    name,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest: digest.value }),
  });
}

/** The full form: host, name, then tag and digest where present. `parseReference` reads it back. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${reference.host}/${reference.name}${tag}${digest}`;
}

/** The same place, held to one digest: what a moved tag can no longer change. */
export function pinReference(repository: Repository, digest: Digest): Reference {
  return { host: repository.host, name: repository.name, digest };
}

export function isRepositoryName(name: string): boolean {
  return faultOfName(name) === undefined;
}

export function isTag(tag: string): boolean {
  return TAG.test(tag);
}

function splitHost(text: string): { host: string; path: string } {
  const slash = text.indexOf('/');
  const first = slash === -1 ? '' : text.slice(0, slash);
  const isHost = first.includes('.') || first.includes(':') || first === 'localhost';
  if (!isHost) return { host: DEFAULT_HOST, path: text };
  return { host: first === 'index.docker.io' ? DEFAULT_HOST : first, path: text.slice(slash + 1) };
}

function faultOfHost(host: string): string | undefined {
  const port = /:(\d+)$/.exec(host);
  const bare = port === null ? host : host.slice(0, port.index);
  if (!HOST_LABELS.test(bare) && !HOST_IPV6.test(bare)) return `${quote(host)} is not a host name`;
  if (port === null) return undefined;
  const number = Number(port[1]);
  return number >= 1 && number <= 65_535 ? undefined : `${quote(host)} has no port in 1..65535`;
}

function faultOfName(name: string): string | undefined {
  if (name.length > NAME_LENGTH_MAX) return `is longer than ${NAME_LENGTH_MAX} characters`;
  if (NAME.test(name)) return undefined;
  const hint = NAME.test(name.toLowerCase()) ? '; repository names are lower case' : '';
  return `${quote(name)} is not a repository name${hint}`;
}
