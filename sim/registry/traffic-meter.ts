import { DELTA_TYPE } from '../../src/oci/delta-layer.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { APP_IMAGE_TYPE } from '../../src/oci/firmware-layers.ts';
import { BUNDLE_TYPE } from '../../src/oci/signature/bundle.ts';
import { SIMPLE_SIGNING_TYPE } from '../../src/oci/signature/simple-signing.ts';
import { CONTENT_KINDS, type ContentKind, type RegistryTraffic } from '../../src/scenario/world.ts';
import type { RegistryStore } from './store.ts';

const KIND_OF_TYPE: Readonly<Record<string, ContentKind>> = {
  [APP_IMAGE_TYPE]: 'image',
  [DELTA_TYPE]: 'delta',
  [BUNDLE_TYPE]: 'signature',
  [SIMPLE_SIGNING_TYPE]: 'signature',
};

/** Counts what a registry sends to one node, at the registry's end of the wire. */
export class TrafficMeter {
  readonly #store: RegistryStore;
  readonly #node: string;
  readonly #kinds = new Map<string, ContentKind>();
  readonly #sent = new Map<ContentKind, { answers: number; bytes: number }>();

  constructor(store: RegistryStore, node: string) {
    this.#store = store;
    this.#node = node;
  }

  get traffic(): readonly RegistryTraffic[] {
    return CONTENT_KINDS.flatMap((content) => {
      const sent = this.#sent.get(content);
      return sent === undefined ? [] : [{ node: this.#node, content, ...sent }];
    });
  }

  /** Forgets what was sent so far. */
  reset(): void {
    this.#sent.clear();
  }

  /** An answer to a request for `target`, a tag or a digest, begins; the returned function counts its bytes. */
  answer(repository: string, target: string): (bytes: number) => void {
    const key = `${repository} ${target}`;
    // A tag may move, a digest may not.
    const kind = this.#kinds.get(key) ?? this.#kindOf(repository, target);
    if (target.includes(':')) this.#kinds.set(key, kind);
    const sent = this.#sent.get(kind) ?? { answers: 0, bytes: 0 };
    this.#sent.set(kind, sent);
    sent.answers++;
    return (bytes) => {
      sent.bytes += bytes;
    };
  }

  #kindOf(repository: string, target: string): ContentKind {
    const type = this.#store.typeOfBlob(repository, target as Digest);
    if (type !== undefined) return KIND_OF_TYPE[type] ?? 'other';
    const document = this.#store.findManifest(repository, target)?.document;
    return document === undefined ? 'other' : document.kind === 'index' ? 'index' : 'manifest';
  }
}
