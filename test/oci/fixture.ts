import { type AppImageOptions, buildAppImage } from '../../src/esp/app-image-build.ts';
import { chipOfId } from '../../src/esp/chips.ts';
import type { FirmwareBuild } from '../../src/oci/pack.ts';
import { type PackedFirmware, packFirmware } from '../../src/oci/pack.ts';

/**
 * A genuine app image; `length` is rounded up to a multiple of 16 and at least 1024. The description says
 * application `thermo`, version 1.0.0, secure version 0 unless told otherwise.
 */
export function appImage(
  chipId: number,
  length = 5008,
  fill = 0x5a,
  said: Partial<AppImageOptions> = {},
): Uint8Array {
  const chip = chipOfId(chipId);
  if (chip === undefined) throw new Error(`no chip has id ${chipId}`);
  const contents = (size: number): Uint8Array => new Uint8Array(size).fill(fill);
  return buildAppImage({
    chip,
    projectName: 'thermo',
    version: '1.0.0',
    sizeBytes: length,
    contents,
    ...said,
  });
}

export function thermoBuild(version = '1.0.0'): FirmwareBuild {
  return {
    application: 'thermo',
    version,
    rollback: 'boot-counter',
    bootsWithoutConfirm: 3,
    chips: [
      { chip: 'esp32s3', image: appImage(9, 6000) },
      { chip: 'esp32', image: appImage(0, 5008) },
      { chip: 'esp32c3', image: appImage(5, 4096) },
    ],
  };
}

export function packThermo(version = '1.0.0'): PackedFirmware {
  const packed = packFirmware(thermoBuild(version));
  if (!packed.ok) throw new Error(packed.refusal.message);
  return packed.value;
}
