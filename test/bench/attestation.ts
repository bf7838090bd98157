import { appraise } from '../../src/attestation/appraisal.ts';
import { Attester } from '../../src/attestation/attester.ts';
import { ChainVerifier } from '../../src/attestation/certificate-chain.ts';
import { udsPublicKey } from '../../src/attestation/layers.ts';
import { ueidFromBytes } from '../../src/attestation/ueid.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { microsecondsEach } from './machine.ts';

/** What one question and one answer cost, for devices that are asked for the first time and again. */
export function benchAttestation(devices: number, print: (line: string) => void): void {
  const random = SeededRandom.ofSeed(1);
  const nonce = random.bytes(32);
  const attester = new Attester();
  const chainVerifier = new ChainVerifier();
  const fleet = Array.from({ length: devices }, () => {
    const uds = random.bytes(32);
    return { uds, ueid: ueidFromBytes(random.bytes(16)), udsPublicKey: udsPublicKey(uds) };
  });
  const answers: Uint8Array[] = [];
  const ask = (index: number): void => {
    const { uds, ueid } = fleet[index] as (typeof fleet)[number];
    const digest = new Uint8Array(32);
    answers[index] = attester.attest(
      { uds, bootloaderDigest: digest, applicationDigest: digest, secureVersion: 0, mode: 'normal' },
      nonce,
      {
        ueid,
        oemid: new Uint8Array(16),
        hwmodel: 'esp32c3',
        oemboot: false,
        dbgstat: 'disabled',
        bootcount: 1,
        swname: 'thermo',
        swversion: '1.0.0',
        applicationType: 'thermo',
        slot: 'ota_0',
        slotState: 'confirmed',
      },
    );
  };
  const judge = (index: number): void => {
    const device = fleet[index] as (typeof fleet)[number];
    const enrolled = () => ({ udsPublicKey: device.udsPublicKey });
    const context = { nonce, nonceIssuedAtMs: 0, nonceTtlMs: 1000, nowMs: 0, enrolled, chainVerifier };
    const { result } = appraise(answers[index] as Uint8Array, context);
    if (result !== 'accepted') throw new Error('true evidence was refused');
  };
  for (const when of ['first', 'again']) {
    const askedUs = microsecondsEach(devices, ask);
    const judgedUs = microsecondsEach(devices, judge);
    print(
      `${`evidence, ${when}`.padEnd(38)} ${askedUs.toFixed(0)} µs to give, ${judgedUs.toFixed(0)} µs to judge`,
    );
  }
}
