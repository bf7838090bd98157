import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeApi } from '../../../src/kube/api.ts';
import type { Bounds } from '../../cast.ts';
import type { UserInfo } from '../../cluster/auth/user.ts';
import type { ApiStage } from '../../faults/stage.ts';

/** The cluster of a live world: one of its own, or one that it borrows. Our definitions and a node are in it. */
export interface LiveCluster {
  /** Address of the API server. */
  readonly url: string;
  /** A file, readable by its owner only, that leads kubectl to `url` and into `namespace`; gone after `close`. */
  readonly kubeconfig: string;
  /** The cluster as the story tells of it, whose objects live in `default`. */
  readonly kube: KubeApi;
  /** The namespace that `default` of the story truly is. */
  readonly namespace: string;
  readonly bounds: Bounds;
  /** How faults get at the API server; undefined where it is out of reach. */
  readonly api: ApiStage | undefined;
  /** A client that makes its requests as `user`, where the server believes that. */
  kubeOf(user: UserInfo): KubeApi;
  /** All that is in it now is there for good: a server that loses its data gets it again. */
  markInstalled(): void;
  /** Ends it, or gives it back as it was; idempotent. */
  close(): Promise<void>;
}

/** A kubeconfig in a folder of its own. */
export class KubeconfigFile {
  readonly path: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'brickproof-cluster-'));

  constructor(text: string) {
    this.path = join(this.#folder, 'kubeconfig');
    writeFileSync(this.path, text, { mode: 0o600 });
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
