import type { Command } from 'commander';
import { firmwareCommand } from './firmware-command.ts';
import { registerFirmwareDelta } from './firmware-delta.ts';
import { registerFirmwareInspect } from './firmware-inspect.ts';
import { registerFirmwarePack } from './firmware-pack.ts';
import { registerFirmwareSign } from './firmware-sign.ts';
import { registerFirmwareTransfer } from './firmware-transfer.ts';
import { registerFirmwareVerify } from './firmware-verify.ts';

const EXAMPLES = `
Examples:
  $ npx brickproof firmware pack build-esp32 build-esp32c3 -o oci:thermo:1.0.0
  $ npx brickproof firmware push oci:thermo:1.0.0 localhost:5000/fleet/thermo:1.0.0
  $ npx brickproof firmware diff localhost:5000/fleet/thermo:1.0.0 oci:thermo:1.1.0
  $ npx brickproof firmware pull localhost:5000/fleet/thermo:1.0.0 thermo.bin --chip esp32c3
`;

/** Adds `firmware pack`, `push`, `pull`, `copy`, `inspect`, `diff`, `sign`, `verify` and `delta`. */
export function registerFirmware(program: Command): void {
  const firmware = firmwareCommand(program).addHelpText('after', EXAMPLES);
  registerFirmwarePack(firmware);
  registerFirmwareTransfer(firmware);
  registerFirmwareInspect(firmware);
  registerFirmwareSign(program);
  registerFirmwareVerify(program);
  registerFirmwareDelta(program);
}
