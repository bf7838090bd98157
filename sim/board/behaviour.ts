/** What an application does when a virtual board runs it; the image's bytes cannot say. Times count from the application's start. */
export type Behaviour =
  /** Passes its self-test, confirms itself, keeps running. */
  | { readonly kind: 'healthy' }
  /** Panics `afterMs` after every start. */
  | { readonly kind: 'crash'; readonly afterMs: number }
  /** Stops feeding the task watchdog `afterMs` after every start. */
  | { readonly kind: 'hang'; readonly afterMs: number }
  /** Works, but never confirms itself. */
  | { readonly kind: 'never-confirm' }
  /** Finds itself broken in its self-test and asks the bootloader for the old image. */
  | { readonly kind: 'fail-self-test' };

/** One application image as the boards that run it behave. */
export interface Program {
  readonly application: string;
  readonly version: string;
  readonly secureVersion: number;
  readonly behaviour: Behaviour;
}

/** Programs by the SHA-256 of their image, `sha256:…`. What is not listed is foreign: it runs as its description says, healthy. */
export type Programs = ReadonlyMap<string, Program>;
