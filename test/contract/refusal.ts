import { KubeError } from '../../src/kube/error.ts';

/** Reason, code and causes of a refusal: what two servers must agree on; the words may differ. */
export interface Refusal {
  readonly reason: string;
  readonly code: number;
  readonly message: string;
  /** `reason field` of each cause, sorted. */
  readonly causes: readonly string[];
}

/** Waits for a call to be refused. Throws when it is not, or not with a KubeError. */
export async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    const causes = (error.details.causes ?? []).map(({ reason, field }) => `${reason} ${field}`).sort();
    return { reason: error.reason, code: error.code, message: error.message, causes };
  }
  throw new Error('the call was not refused');
}
