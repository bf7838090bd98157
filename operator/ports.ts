import { appraise } from '../src/attestation/appraisal.ts';
import type { ChainVerifier } from '../src/attestation/certificate-chain.ts';
import type { DeviceChannel } from '../src/device/channel.ts';
import { decideFlashJob } from '../src/flashjob/decide.ts';
import { decideDeviceUpdate } from '../src/flashjob/device-update.ts';
import type { KubeApi } from '../src/kube/api.ts';
import type { ContentCache } from '../src/oci/content-cache.ts';
import type { Registry } from '../src/oci/registry.ts';
import type { SignaturePolicy } from '../src/oci/signature/signature-policy.ts';
import type { Random } from '../src/random/random.ts';
import { decideRollout } from '../src/rollout/decide.ts';
import type { Clock } from '../src/time/clock.ts';
import type { Log } from './runtime/controller.ts';

/** Everything the operator and its agents touch. */
export interface OperatorPorts {
  readonly kube: KubeApi;
  readonly registry: Registry;
  readonly channel: DeviceChannel;
  readonly clock: Clock;
  /** Nonces come from it: outside a simulation it must be unpredictable. */
  readonly random: Random;
  readonly log?: Log;
  /** Shared by the agents of one process, and beneath it by those of a node, so that an image is fetched once. */
  readonly cache?: ContentCache;
  /** Shared likewise, so that a chain of certificates is verified once. */
  readonly chainVerifier?: ChainVerifier;
  /** Who may sign which application; absent: firmware is not asked for a signature. */
  readonly signaturePolicy?: SignaturePolicy;
}

/** The pure parts, replaceable so that a test can run the same shell around a broken judgement. */
export interface Deciders {
  readonly decideRollout: typeof decideRollout;
  readonly decideFlashJob: typeof decideFlashJob;
  readonly decideDeviceUpdate: typeof decideDeviceUpdate;
  readonly appraise: typeof appraise;
}

export const DECIDERS: Deciders = { decideRollout, decideFlashJob, decideDeviceUpdate, appraise };
