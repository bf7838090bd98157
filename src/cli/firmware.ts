import type { Command } from 'commander';
import { firmwareCommand } from './firmware-command.ts';
import { registerFirmwareInspect } from './firmware-inspect.ts';
import { registerFirmwarePack } from './firmware-pack.ts';
import { registerFirmwareTransfer } from './firmware-transfer.ts';

/** Adds `firmware pack`, `push`, `pull`, `copy`, `inspect` and `diff`. */
export function registerFirmware(program: Command): void {
  const firmware = firmwareCommand(program);
  registerFirmwarePack(firmware);
  registerFirmwareTransfer(firmware);
  registerFirmwareInspect(firmware);
}
