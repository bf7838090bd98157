import type { Behaviour } from '../../src/scenario/plan.ts';
import type { BoardState } from '../../src/scenario/world.ts';

/** One application image as a board behaves when it runs it; the image's bytes cannot say. */
export interface Program {
  readonly application: string;
  readonly version: string;
  readonly secureVersion: number;
  readonly behaviour: Behaviour;
}

/** What images do, by the SHA-256 of the image (`sha256:…`) and the board that runs it; undefined for foreign images. */
export interface Programs {
  find(digest: string, board: BoardState): Program | undefined;
}
