import type { FirmwareBuild } from '../../src/oci/pack.ts';
import { type PackedFirmware, packFirmware } from '../../src/oci/pack.ts';

const HEX = (digit: string): string => digit.repeat(64);

/** Bytes that start as an app image header does; the registry's rooms look no further than the chip id. */
export function appImage(chipId: number, length = 5000, fill = 0x5a): Uint8Array {
  const image = new Uint8Array(length).fill(fill);
  image.set([0xe9, 1, 2, 0x20], 0);
  new DataView(image.buffer).setUint16(12, chipId, true);
  return image;
}

export function thermoBuild(version = '1.0.0'): FirmwareBuild {
  const meta = { secureVersion: 0, elfSha256: HEX('a'), measurement: HEX('b') };
  return {
    application: 'thermo',
    version,
    rollback: 'boot-counter',
    bootsWithoutConfirm: 3,
    chips: [
      { chip: 'esp32s3', image: appImage(9, 6000), ...meta },
      { chip: 'esp32', image: appImage(0, 5000), ...meta },
      { chip: 'esp32c3', image: appImage(5, 4096), ...meta },
    ],
  };
}

export function packThermo(version = '1.0.0'): PackedFirmware {
  const packed = packFirmware(thermoBuild(version));
  if (!packed.ok) throw new Error(packed.refusal.message);
  return packed.value;
}
