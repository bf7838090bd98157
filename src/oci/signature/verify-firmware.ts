import type { ResolvedFirmware } from '../fetch-firmware.ts';
import { ANNOTATION } from '../firmware-artifact.ts';
import { FirmwareError } from '../firmware-error.ts';
import type { FirmwareSource } from '../firmware-source.ts';
import { findSignatures } from './find-signatures.ts';
import { judgeClaim, SIGNATURE_REFUSALS, type SignatureProof, type SignatureRefusal } from './judge-claim.ts';
import { keysFor, type SignaturePolicy } from './signature-policy.ts';

/**
 * Proves that a key which may sign this application signed this very index, before a byte is sent to a device.
 *
 * The first signature that allows it is enough; of several that do not, the one that came nearest is
 * reported. Signatures are not remembered: ask once per resolved reference, not once per device. A
 * registry that cannot be asked is an error of its own, never `unsigned`. Throws FirmwareError at hop
 * `signature`.
 */
export async function verifyFirmware(
  source: FirmwareSource,
  resolved: ResolvedFirmware,
  policy: SignaturePolicy,
  nowMs: number,
): Promise<SignatureProof> {
  const { repository, digest } = resolved;
  const application = resolved.index.annotations?.[ANNOTATION.application] ?? '';
  const context = { policy, application, digest, nowMs };
  if (keysFor(policy, application) === undefined)
    throw new FirmwareError(
      'signature',
      'no-rule',
      `the policy has no rule for ${JSON.stringify(application)}`,
    );
  let nearest: SignatureRefusal = { code: 'unsigned', message: `nobody signed ${digest}` };
  for await (const found of findSignatures(source, repository, digest)) {
    const judged = 'code' in found ? found : judgeClaim(found, context);
    if (!('code' in judged)) return judged;
    if (SIGNATURE_REFUSALS.indexOf(judged.code) > SIGNATURE_REFUSALS.indexOf(nearest.code)) nearest = judged;
  }
  throw new FirmwareError('signature', nearest.code, nearest.message);
}
