import { type Digest, matchesDigest, parseDigest } from '../../src/oci/digest.ts';
import { isRepositoryName, isTag } from '../../src/oci/reference.ts';
import type { ManifestContent } from '../../src/oci/registry.ts';
import type { StoreFiles } from './store-files.ts';

/** One thing that a store knows of a repository. */
export type StoreFact =
  | { readonly kind: 'blob'; readonly repository: string; readonly digest: Digest }
  | {
      readonly kind: 'manifest';
      readonly repository: string;
      readonly digest: Digest;
      /** Rises with every push: the order of referrers. */
      readonly order: number;
      readonly content: ManifestContent;
    }
  | { readonly kind: 'tag'; readonly repository: string; readonly tag: string; readonly digest: Digest };

const NOTHING = new Uint8Array(0);
const FACT = /^repositories\/(?<name>.+)\/_(?<kind>blobs|manifests|tags)\/(?<rest>[^/]+(?:\/[^/]+)?)$/;
const BLOB = /^blobs\/(?<algorithm>sha256|sha512)\/(?<hex>[0-9a-f]+)$/;

/** Keeps facts in files, one file a fact, so that each is there or not, whatever happens in between. */
export class StoreRecord {
  readonly #files: StoreFiles | undefined;

  constructor(files?: StoreFiles) {
    this.#files = files;
  }

  add(fact: StoreFact): void {
    this.#files?.write(pathOf(fact), bytesOf(fact));
  }

  remove(fact: Pick<StoreFact, 'kind' | 'repository'> & { digest?: Digest; tag?: string }): void {
    this.#files?.remove(pathOf(fact));
  }

  /** What the files hold: blobs with their sizes, and facts; `strange` are files that say nothing sound. */
  load(): {
    readonly blobs: ReadonlyMap<Digest, number>;
    readonly facts: readonly StoreFact[];
    readonly strange: readonly string[];
  } {
    const blobs = new Map<Digest, number>();
    const facts: StoreFact[] = [];
    const strange: string[] = [];
    for (const path of this.#files?.list() ?? []) {
      const blob = BLOB.exec(path)?.groups;
      const digest = blob === undefined ? undefined : parseDigest(`${blob.algorithm}:${blob.hex}`);
      const bytes = this.#files?.read(path) ?? NOTHING;
      const fact = digest === undefined ? readFact(path, bytes) : undefined;
      if (fact !== undefined) facts.push(fact);
      else if (digest?.ok === true && matchesDigest(bytes, digest.value))
        blobs.set(digest.value, bytes.length);
      else strange.push(path);
    }
    return { blobs, facts, strange };
  }
}

function pathOf(fact: Pick<StoreFact, 'kind' | 'repository'> & { digest?: Digest; tag?: string }): string {
  const leaf = fact.kind === 'tag' ? fact.tag : fact.digest?.replace(':', '/');
  return `repositories/${fact.repository}/_${fact.kind}s/${leaf}`;
}

/** A manifest's file is one line with its order and type, then the manifest; a tag's is the digest. */
function bytesOf(fact: StoreFact): Uint8Array {
  const text = new TextEncoder();
  if (fact.kind === 'blob') return NOTHING;
  if (fact.kind === 'tag') return text.encode(fact.digest);
  const head = text.encode(`${fact.order} ${fact.content.mediaType}\n`);
  const bytes = new Uint8Array(head.length + fact.content.bytes.length);
  bytes.set(head);
  bytes.set(fact.content.bytes, head.length);
  return bytes;
}

function readFact(path: string, bytes: Uint8Array): StoreFact | undefined {
  const { name: repository = '', kind, rest = '' } = FACT.exec(path)?.groups ?? {};
  if (!isRepositoryName(repository)) return undefined;
  if (kind === 'tags') {
    const digest = parseDigest(new TextDecoder().decode(bytes));
    return digest.ok && isTag(rest)
      ? { kind: 'tag', repository, tag: rest, digest: digest.value }
      : undefined;
  }
  const digest = parseDigest(rest.replace('/', ':'));
  if (!digest.ok) return undefined;
  if (kind === 'blobs') return { kind: 'blob', repository, digest: digest.value };
  const end = bytes.indexOf(0x0a);
  const head = /^(\d{1,15}) (\S+)$/.exec(new TextDecoder().decode(bytes.subarray(0, Math.max(end, 0))));
  const content = { mediaType: head?.[2] ?? '', bytes: bytes.subarray(end + 1) };
  if (head === null || !matchesDigest(content.bytes, digest.value)) return undefined;
  return { kind: 'manifest', repository, digest: digest.value, order: Number(head[1]), content };
}
