import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Recorded {
  readonly privateKey: string;
  readonly publicKey: string;
  readonly bundle: string;
}

/** What cosign wrote; test/vectors/README.md says how. */
export const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../vectors/cosign-signatures.json'), 'utf8'),
) as {
  readonly digest: `sha256:${string}`;
  readonly passphrase: string;
  readonly ecdsaP256: Recorded & {
    readonly simpleSigning: { readonly payload: string; readonly signature: string };
  };
  readonly ed25519: Recorded;
};

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
