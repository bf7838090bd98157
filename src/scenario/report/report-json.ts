import type { PropertyResult } from '../properties/property-board.ts';
import { EXIT_CODE_MEANING, type RunResult } from '../result.ts';

/** Rises when a member of `report.json` changes its meaning or goes; new members do not raise it. */
export const REPORT_SCHEMA_VERSION = 1;

/** The run as machines read it. Stable: members are added, never changed, within one `schemaVersion`. */
export interface Report extends Omit<RunResult, 'properties' | 'chart' | 'involved'> {
  readonly schemaVersion: typeof REPORT_SCHEMA_VERSION;
  /** Of brickproof. */
  readonly version: string;
  readonly exitCodeMeaning: string;
  /** The command that runs it again. */
  readonly replay: string;
  readonly properties: readonly ReportProperty[];
}

export type ReportProperty = Pick<PropertyResult, 'name' | 'kind' | 'verdict' | 'sightings'> & {
  /** Absent when there was none, and for `sometimes` properties. */
  readonly firstViolation?: PropertyResult['first'][number];
};

export function makeReport(result: RunResult, version: string, replay: string): Report {
  const { properties, chart: _, involved: __, ...rest } = result;
  const { scenario, world, seed, outcome, exitCode, ...others } = rest;
  return {
    schemaVersion: REPORT_SCHEMA_VERSION,
    version,
    scenario,
    world,
    seed,
    outcome,
    exitCode,
    exitCodeMeaning: EXIT_CODE_MEANING[exitCode],
    replay,
    ...others,
    properties: properties.map(({ name, kind, verdict, sightings, first }) => {
      const violation = kind === 'sometimes' ? undefined : first[0];
      return {
        name,
        kind,
        verdict,
        sightings,
        ...(violation !== undefined && { firstViolation: violation }),
      };
    }),
  };
}
