import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { decodeJson, encodeCanonicalJson } from '../../src/oci/json-document.ts';
import {
  type Descriptor,
  encodeManifest,
  type ImageIndex,
  type ImageManifest,
  MANIFEST_BYTES_MAX,
  parseManifest,
} from '../../src/oci/manifest.ts';
import { OCI_INDEX } from '../../src/oci/media-type.ts';
import type { Reference, Repository } from '../../src/oci/reference.ts';
import type { BlobKey, ByteRange, ManifestContent, Registry, TagPage } from '../../src/oci/registry.ts';
import { RegistryError } from '../../src/oci/registry-error.ts';

/** A tag of an entry of index.json. Source: OCI image-spec, image-layout.md, "index.json". */
const REF_NAME = 'org.opencontainers.image.ref.name';
const LAYOUT = { imageLayoutVersion: '1.0.0' };

/**
 * The Registry port over OCI image layouts: one folder per repository, as skopeo's `oci:` and oras's
 * `--oci-layout` read and write it. Source: OCI image-spec, image-layout.md.
 *
 * Files appear whole or not at all. Two processes may read a layout, but not write it, at the same time.
 */
export class LayoutRegistry implements Registry {
  readonly #folderOf: (repository: Repository) => string;
  #writing: Promise<unknown> = Promise.resolve();
  #written = 0;

  constructor(folderOf: (repository: Repository) => string) {
    this.#folderOf = folderOf;
  }

  async resolve(reference: Reference): Promise<Descriptor> {
    const { digest, tag = 'latest' } = reference;
    if (digest === undefined) {
      const entries = await this.#entries(reference);
      const entry = entries.find(({ annotations }) => annotations?.[REF_NAME] === tag);
      if (entry === undefined) throw notFound(this.#folderOf(reference), `tag ${tag}`);
      return { mediaType: entry.mediaType, digest: entry.digest, size: entry.size };
    }
    const { mediaType, bytes } = await this.manifest(reference, digest);
    return { mediaType, digest, size: bytes.length };
  }

  async manifest(repository: Repository, digest: Digest): Promise<ManifestContent> {
    const bytes = await this.#read(repository, digest, MANIFEST_BYTES_MAX);
    const listed = (await this.#entries(repository)).find((entry) => entry.digest === digest);
    if (listed !== undefined) return { mediaType: listed.mediaType, bytes };
    const declared = decodeJson(bytes, MANIFEST_BYTES_MAX, (root) => root.at('mediaType').string());
    if (!declared.ok) throw new RegistryError('malformed', `${digest}: ${declared.refusal.message}`);
    return { mediaType: declared.value, bytes };
  }

  async blob(repository: Repository, key: BlobKey, range?: ByteRange): Promise<Uint8Array> {
    const { offsetBytes, lengthBytes } = range ?? { offsetBytes: 0, lengthBytes: key.size };
    const end = offsetBytes + lengthBytes;
    if (end > key.size)
      throw new RegistryError('malformed', `range ends at ${end}, the blob has ${key.size} bytes`);
    const bytes = await this.#read(repository, key.digest, key.size);
    if (bytes.length < end || (range === undefined && bytes.length !== key.size))
      throw new RegistryError('size-mismatch', `${key.digest} has ${bytes.length} bytes, not ${key.size}`);
    return bytes.subarray(offsetBytes, end);
  }

  async hasBlob(repository: Repository, digest: Digest): Promise<boolean> {
    return (await this.#sizeOf(repository, digest)) !== undefined;
  }

  async tags(repository: Repository, page: TagPage = {}): Promise<readonly string[]> {
    const names = (await this.#entries(repository)).flatMap((entry) => entry.annotations?.[REF_NAME] ?? []);
    const after = [...new Set(names)].filter((tag) => tag > (page.last ?? '')).sort();
    return after.slice(0, page.limit ?? after.length);
  }

  async referrers(
    repository: Repository,
    digest: Digest,
    artifactType?: string,
  ): Promise<readonly Descriptor[]> {
    const found = new Map<Digest, Descriptor>();
    for (const entry of await this.#entries(repository)) {
      const { bytes } = await this.manifest(repository, entry.digest);
      const parsed = parseManifest(bytes, entry.mediaType);
      if (!parsed.ok || parsed.value.subject?.digest !== digest) continue;
      const type = artifactTypeOf(parsed.value);
      if (artifactType !== undefined && artifactType !== type) continue;
      const { mediaType, size } = entry;
      const { annotations } = parsed.value;
      found.set(entry.digest, {
        mediaType,
        digest: entry.digest,
        size,
        ...(type === undefined ? {} : { artifactType: type }),
        ...(annotations === undefined ? {} : { annotations }),
      });
    }
    return [...found.values()];
  }

  async putBlob(repository: Repository, bytes: Uint8Array): Promise<Digest> {
    const digest = digestOf(bytes);
    if (!(await this.hasBlob(repository, digest))) await this.#write(repository, blobPath(digest), bytes);
    return digest;
  }

  async mountBlob(): Promise<boolean> {
    return false;
  }

  putManifest(reference: Reference, content: ManifestContent): Promise<Digest> {
    const put = this.#writing.then(() => this.#putManifest(reference, content));
    this.#writing = put.catch(() => undefined);
    return put;
  }

  async #putManifest(reference: Reference, content: ManifestContent): Promise<Digest> {
    const parsed = parseManifest(content.bytes, content.mediaType);
    if (!parsed.ok) throw new RegistryError('malformed', parsed.refusal.message);
    const document = parsed.value;
    const named = document.kind === 'index' ? document.manifests : [document.config, ...document.layers];
    for (const { digest } of named)
      if (!(await this.hasBlob(reference, digest)))
        throw new RegistryError('malformed', `names ${digest}, which is not in the layout; put it first`);
    const digest = await this.putBlob(reference, content.bytes);
    const { tag } = reference;
    // What a manifest is found by: its tag, its subject, or the index that names it, which comes later.
    if (tag === undefined && document.subject === undefined) return digest;
    const descriptor = { mediaType: document.mediaType, digest, size: content.bytes.length };
    const entry = tag === undefined ? descriptor : { ...descriptor, annotations: { [REF_NAME]: tag } };
    const kept = (await this.#entries(reference)).filter(({ annotations, digest: other }) =>
      tag === undefined ? other !== digest : annotations?.[REF_NAME] !== tag,
    );
    const index: ImageIndex = { kind: 'index', mediaType: OCI_INDEX, manifests: [...kept, entry] };
    if (!(await this.#isLayout(reference)))
      await this.#write(reference, 'oci-layout', encodeCanonicalJson(LAYOUT));
    await this.#write(reference, 'index.json', encodeManifest(index));
    return digest;
  }

  async #entries(repository: Repository): Promise<readonly Descriptor[]> {
    const folder = this.#folderOf(repository);
    const bytes = await readFile(join(folder, 'index.json')).catch(absent);
    if (bytes === undefined) return [];
    const parsed = parseManifest(bytes, OCI_INDEX);
    if (!parsed.ok) throw new RegistryError('malformed', `${folder}/index.json: ${parsed.refusal.message}`);
    return parsed.value.kind === 'index' ? parsed.value.manifests : [];
  }

  async #sizeOf(repository: Repository, digest: Digest): Promise<number | undefined> {
    return (await stat(join(this.#folderOf(repository), blobPath(digest))).catch(absent))?.size;
  }

  async #isLayout(repository: Repository): Promise<boolean> {
    return (await stat(join(this.#folderOf(repository), 'oci-layout')).catch(absent)) !== undefined;
  }

  async #read(repository: Repository, digest: Digest, bytesMax: number): Promise<Uint8Array> {
    const size = await this.#sizeOf(repository, digest);
    const folder = this.#folderOf(repository);
    if (size === undefined) throw notFound(folder, digest);
    if (size > bytesMax)
      throw new RegistryError('too-large', `${digest} has ${size} bytes, more than the ${bytesMax} expected`);
    const { buffer, byteOffset, length } = await readFile(join(folder, blobPath(digest)));
    return new Uint8Array(buffer, byteOffset, length);
  }

  /** Written beside, flushed, then renamed: a crash leaves the old file or the new one. */
  async #write(repository: Repository, path: string, bytes: Uint8Array): Promise<void> {
    const target = join(this.#folderOf(repository), path);
    await mkdir(dirname(target), { recursive: true });
    const beside = `${target}.${process.pid}.${++this.#written}.part`;
    const file = await open(beside, 'w');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, target);
  }
}

function blobPath(digest: Digest): string {
  return join('blobs', ...digest.split(':'));
}

function artifactTypeOf(document: ImageIndex | ImageManifest): string | undefined {
  return document.artifactType ?? (document.kind === 'manifest' ? document.config.mediaType : undefined);
}

function notFound(folder: string, what: string): RegistryError {
  return new RegistryError('not-found', `the layout ${folder} has no ${what}`);
}

/** A missing file is an answer; anything else the disk says is not. */
function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw new RegistryError('unavailable', `reading the layout failed: ${error.code}`);
}
