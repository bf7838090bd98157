import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { RegistryFiles } from '../../sim/live/registry-files.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import type { StoreFiles } from '../../sim/registry/store-files.ts';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { encodeManifest } from '../../src/oci/manifest.ts';
import { OCI_MANIFEST } from '../../src/oci/media-type.ts';

const root = mkdtempSync(join(tmpdir(), 'brickproof-store-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

class Crash extends Error {}

/** Files of a machine that dies at its `crashAt`th change: before it, and nothing after. */
class DyingFiles implements StoreFiles {
  readonly #files: Map<string, Uint8Array>;
  #left: number;

  constructor(files: Map<string, Uint8Array>, crashAt = Number.POSITIVE_INFINITY) {
    this.#files = files;
    this.#left = crashAt;
  }

  list = (): readonly string[] => [...this.#files.keys()].sort();
  read(path: string): Uint8Array {
    const bytes = this.#files.get(path);
    if (bytes === undefined) throw new Error(`no file ${path}`);
    return bytes;
  }
  write(path: string, bytes: Uint8Array): void {
    this.#change();
    this.#files.set(path, bytes);
  }
  remove(path: string): void {
    this.#change();
    this.#files.delete(path);
  }
  #change(): void {
    if (this.#left-- <= 0) throw new Crash();
  }
}

const blobOf = (text: string): Uint8Array => new TextEncoder().encode(text);
function manifestOf(...texts: readonly string[]): Uint8Array {
  const [config, ...layers] = texts.map((text) => ({
    mediaType: 'text/plain',
    digest: digestOf(blobOf(text)),
    size: text.length,
  }));
  if (config === undefined) throw new Error('a manifest has a config');
  return encodeManifest({ kind: 'manifest', mediaType: OCI_MANIFEST, config, layers });
}
const put = (store: RegistryStore, name: string, target: string, bytes: Uint8Array) =>
  store.putManifest(name, target, { mediaType: OCI_MANIFEST, bytes });

/** A registry's day, step by step; each step says what must be true once it was answered. */
const STORY: readonly [(store: RegistryStore) => void, (store: RegistryStore) => boolean][] = [
  [(s) => void s.putBlob('a/b', blobOf('config')), (s) => s.hasBlob('a/b', digestOf(blobOf('config')))],
  [(s) => void s.putBlob('a/b', blobOf('layer')), (s) => s.hasBlob('a/b', digestOf(blobOf('layer')))],
  [
    (s) => void put(s, 'a/b', 'one', manifestOf('config')),
    (s) => s.manifest('a/b', 'one').digest === digestOf(manifestOf('config')),
  ],
  [
    (s) => void put(s, 'a/b', 'one', manifestOf('config', 'layer')),
    (s) => s.manifest('a/b', 'one').digest === digestOf(manifestOf('config', 'layer')),
  ],
  [
    (s) => void s.mountBlob('c', 'a/b', digestOf(blobOf('layer'))),
    (s) => s.hasBlob('c', digestOf(blobOf('layer'))),
  ],
  [
    (s) => s.deleteManifest('a/b', digestOf(manifestOf('config', 'layer'))),
    (s) => s.tags('a/b').tags.length === 0,
  ],
  [
    (s) => s.deleteBlob('a/b', digestOf(blobOf('layer'))),
    (s) => !s.hasBlob('a/b', digestOf(blobOf('layer'))),
  ],
  [(s) => s.deleteBlob('c', digestOf(blobOf('layer'))), (s) => !s.hasBlob('c', digestOf(blobOf('layer')))],
];

/** Everything that is named is there, and what it says it is. */
function expectSound(store: RegistryStore): void {
  for (const name of store.repositories)
    for (const tag of store.tags(name).tags) {
      const { digest, bytes, document } = store.manifest(name, tag);
      expect(digestOf(bytes)).toBe(digest);
      if (document.kind !== 'manifest') throw new Error('the story pushes no index');
      for (const blob of [document.config, ...document.layers])
        expect(digestOf(store.blob(name, blob.digest))).toBe(blob.digest);
    }
}

test('wherever the machine dies, what was answered is there and nothing is half', () => {
  let crashes = 0;
  for (let crashAt = 0; ; crashAt++) {
    const disk = new Map<string, Uint8Array>();
    let answered = 0;
    try {
      const store = new RegistryStore(new DyingFiles(disk, crashAt));
      for (const [act] of STORY) {
        act(store);
        answered++;
      }
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      crashes++;
    }
    const reopened = new RegistryStore(new DyingFiles(disk));
    expect(reopened.strangeFiles).toEqual([]);
    expectSound(reopened);
    expect(STORY[answered - 1]?.[1](reopened) ?? true).toBe(true);
    // The rest of the story works from here; what died may have been a deletion that was done.
    for (const [act] of STORY.slice(answered)) {
      try {
        act(reopened);
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^(?:BLOB|MANIFEST)_UNKNOWN$/) });
      }
    }
    expect(STORY.at(-1)?.[1](reopened)).toBe(true);
    if (answered === STORY.length) break;
  }
  expect(crashes).toBeGreaterThan(10);
});

describe('files on a disk', () => {
  const folderOf = (name: string): string => join(root, name);

  test('bring back blobs, manifests, tags and the order of referrers', () => {
    const files = new RegistryFiles(folderOf('back'));
    const store = new RegistryStore(files);
    store.putBlob('a/b', blobOf('config'));
    const subject = put(store, 'a/b', 'subject', manifestOf('config'));
    const digests: Digest[] = [];
    for (const label of ['z', 'a', 'm']) {
      const document = { ...subject.document, annotations: { label } };
      const descriptor = { mediaType: OCI_MANIFEST, digest: subject.digest, size: subject.bytes.length };
      const bytes = encodeManifest({ ...document, subject: descriptor } as typeof subject.document);
      digests.push(put(store, 'a/b', digestOf(bytes), bytes).digest);
    }
    files.close();
    const again = new RegistryStore(new RegistryFiles(folderOf('back')));
    expect(again.tags('a/b').tags).toEqual(['subject']);
    expect(again.blob('a/b', digestOf(blobOf('config')))).toEqual(blobOf('config'));
    expect(again.referrers('a/b', subject.digest).map(({ digest }) => digest)).toEqual(digests);
  });

  test('that were left half-written are cleared away, and damaged ones named and not believed', () => {
    const files = new RegistryFiles(folderOf('torn'));
    const store = new RegistryStore(files);
    const digest = store.putBlob('x', blobOf('good'));
    const bad = digestOf(blobOf('bad'));
    const blobs = join(folderOf('torn'), 'blobs', 'sha256');
    writeFileSync(join(blobs, `${'0'.repeat(64)}.part`), 'half');
    writeFileSync(join(blobs, bad.slice('sha256:'.length)), 'not what it is called');
    files.close();
    const again = new RegistryStore(new RegistryFiles(folderOf('torn')));
    expect(again.strangeFiles).toEqual([`blobs/sha256/${bad.slice('sha256:'.length)}`]);
    expect(again.blob('x', digest)).toEqual(blobOf('good'));
    expect(readdirSync(blobs).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test('belong to one process at a time', () => {
    const folder = folderOf('locked');
    new RegistryFiles(folder).close();
    writeFileSync(join(folder, 'lock'), String(process.ppid));
    expect(() => new RegistryFiles(folder)).toThrow(`in use by process ${process.ppid}`);
    writeFileSync(join(folder, 'lock'), '999999999');
    new RegistryFiles(folder).close();
  });
});
