import { FAULT_NAMES, FAULTS, type FaultDescription, type FaultParameter } from '../../scenario/fault.ts';
import type { Console } from '../console.ts';
import { alignColumns } from '../table.ts';

/** Lists the fault catalogue. */
export function faultsCommand(console: Console): void {
  const rows = FAULT_NAMES.map((name) => {
    const fault: FaultDescription = FAULTS[name];
    const parameters = Object.entries(fault.parameters).map(
      ([parameter, kind]) => `${parameter}: ${textOf(kind)}`,
    );
    const where = fault.built ? fault.on : `${fault.on} (not built yet)`;
    return [name, where, `${fault.does}${parameters.length > 0 ? ` [${parameters.join(', ')}]` : ''}`];
  });
  console.out(`${alignColumns([['FAULT', 'STRIKES', 'DOES'], ...rows]).join('\n')}\n`);
}

function textOf(parameter: FaultParameter): string {
  return typeof parameter === 'string' ? parameter : parameter.join('|');
}
