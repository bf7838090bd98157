/** What is wrong with bytes that somebody else made. Closed, so a verifier can map every case. */
export type WireFault =
  | 'too-large'
  | 'not-cbor'
  | 'wrong-type'
  | 'missing'
  | 'out-of-range'
  | 'unsupported-algorithm'
  | 'unsupported-profile';

export interface WireRefusal {
  readonly ok: false;
  readonly fault: WireFault;
  /** A sentence for people: what was wrong and where. */
  readonly message: string;
}

/** Outcome of decoding foreign bytes: decoders return this and never throw. */
export type Decoded<T> = { readonly ok: true; readonly value: T } | WireRefusal;

export function refuseBytes(fault: WireFault, message: string): WireRefusal {
  return { ok: false, fault, message };
}
