import { KubeError } from '../../src/kube/error.ts';

/** Reason, code and causes of a refusal: what two servers must agree on; the words may differ. */
export interface Refusal {
  readonly reason: string;
  readonly code: number;
  readonly message: string;
  /** `reason field` of each cause, sorted; once, although a server may ask the same question twice. */
  readonly causes: readonly string[];
}

export function causeLines(
  causes: readonly { readonly reason?: string; readonly field?: string }[] = [],
): readonly string[] {
  return [...new Set(causes.map(({ reason, field = '' }) => `${reason} ${field}`))].sort();
}

/** Waits for a call to be refused. Throws when it is not, or not with a KubeError. */
export async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    const { reason, code, message, details } = error;
    return { reason, code, message, causes: causeLines(details.causes) };
  }
  throw new Error('the call was not refused');
}
