import type { Chip, ChipName } from '../../src/esp/chips.ts';
import { describeReset, type ResetReason } from '../board/reset-reason.ts';

/** Links a ROM offers in download mode, in its own words. Source: esptool docs, "Entering the Bootloader"; public boot logs. */
const DOWNLOAD_MODES: Readonly<Record<ChipName, string>> = {
  esp32: 'DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2)',
  esp32s2: 'DOWNLOAD(USB/UART0/1/SPI)',
  esp32s3: 'DOWNLOAD(USB/UART0)',
  esp32c2: 'DOWNLOAD(UART0)',
  esp32c3: 'DOWNLOAD(USB/UART0/1)',
  esp32c6: 'DOWNLOAD(USB/UART0/SDIO_FEI_FEO)',
  esp32h2: 'DOWNLOAD(USB/UART0)',
};

/** Lines of the mask ROM when it starts its loader. */
export function downloadBannerLines(chip: Chip, reason: ResetReason): readonly string[] {
  const mode = `boot:0x${chip.bootModes.download.toString(16)} (${DOWNLOAD_MODES[chip.name]})`;
  return [...chip.romBanner, `${describeReset(chip, reason)},${mode}`, 'waiting for download'];
}
