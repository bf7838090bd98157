/**
 * How an update of one device ended. The list is closed; every device of every job ends with one.
 *
 * Only `confirmed` is success: the attested measurement of the running slot equals the digest that
 * was asked for, and the application has confirmed itself.
 */
export const OUTCOMES = {
  confirmed: 'runs the wanted image, attested and confirmed',
  'rolled-back': 'took the image, did not confirm it, and its bootloader went back',
  unconfirmed: 'runs the wanted image but never confirmed it within the deadline',
  silent: 'took the image and was not heard of again within the deadline',
  interrupted: 'the transfer did not finish within the deadline',
  unreachable: 'never answered within the deadline',
  refused: 'its evidence was not accepted, so it was sent nothing',
  incompatible: 'the firmware does not fit it (chip, device type or slot size)',
  'downgrade-refused': 'the image is below its secure version',
  'bad-image': 'the image failed verification before or after it was written',
  'unknown-device': 'no device has this id',
  cancelled: 'the job was deleted before it was done',
} as const;

export type Outcome = keyof typeof OUTCOMES;

/** Outcomes that say something about the firmware, and so count at a gate; the others are about the device or the order. */
export function countsAtGate(outcome: Outcome): boolean {
  return outcome !== 'refused' && outcome !== 'unknown-device' && outcome !== 'cancelled';
}

export function isOutcome(text: string): text is Outcome {
  return Object.hasOwn(OUTCOMES, text);
}
