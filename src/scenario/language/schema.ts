import { z } from 'zod';
import { ALWAYS_NAMES, SOMETIMES_NAMES } from '../properties/names.ts';
import { firmware, group } from './schema-fleet.ts';
import { amount, durationMs } from './schema-quantity.ts';
import { boardStateSelector, deviceSelector, step } from './schema-step.ts';

export const API_VERSION = 'brickproof.dev/v1';

/** `name:tag`, lower-case, as a repository and a tag. */
export const FIRMWARE_KEY = /^[a-z0-9]+(?:[._/-][a-z0-9]+)*:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

const never = z
  .strictObject({
    devices: deviceSelector.optional(),
    boards: boardStateSelector.optional(),
    'more-than': amount.optional().describe('Absent: not even one.'),
    while: z
      .strictObject({ rollout: z.string() })
      .optional()
      .describe('Counts only while this FirmwareRollout is progressing.'),
  })
  .describe('More than so many are never so at once.');

const properties = z
  .strictObject({
    always: z.array(z.enum(ALWAYS_NAMES)).optional().describe('Must hold at every instant.'),
    never: z.array(never).optional(),
    sometimes: z
      .array(z.enum(SOMETIMES_NAMES))
      .optional()
      .describe('Must be seen at least once, or the run proves nothing.'),
  })
  .describe('What must be true of the whole run.');

const keyName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, { error: 'must be lower-case letters, digits and dashes' });

const signatures = z
  .strictObject({
    keys: z
      .array(keyName)
      .min(1)
      .describe('Names of keys. Each signs artifacts with Ed25519, images with what the chip checks.'),
    policy: z
      .record(z.string().min(1), z.array(z.string()).min(1))
      .optional()
      .describe('Keys that may sign, by application; "*" is any other. Absent: nobody is asked.'),
  })
  .describe('Who signs firmware, and who may.');

export const scenarioSchema = z
  .strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal('Scenario'),
    metadata: z.strictObject({
      name: z
        .string()
        .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, { error: 'must be lower-case letters, digits and dashes' }),
      description: z.string().optional(),
    }),
    seed: z.int().min(0).max(0xffff_ffff).optional().describe('Absent: 1. --seed wins.'),
    budget: durationMs.optional().describe('Virtual time the whole run may take; absent: 24h.'),
    'settle-within': durationMs
      .optional()
      .describe('Time every board has, after the last fault healed, to reach a verdict; absent: 1h.'),
    firmware: z.record(
      z.string().regex(FIRMWARE_KEY, { error: 'must be name:tag, as thermo:1.0.0' }),
      firmware,
    ),
    signatures: signatures.optional(),
    fleet: z.array(group).min(1),
    steps: z.array(step).min(1),
    properties: properties.optional(),
  })
  .describe('A story told to a fleet, and what must hold while it is told.');

export type ScenarioDocument = z.output<typeof scenarioSchema>;
export type FirmwareEntry = ScenarioDocument['firmware'][string];
export type GroupEntry = ScenarioDocument['fleet'][number];
export type StepEntry = ScenarioDocument['steps'][number];

/** Keys that the language has a meaning for and this version has not built. */
export const UNBUILT_KEYS: Readonly<Record<string, string>> = {
  matrix: 'running a scenario over a table of values',
  include: 'sharing fleets and firmware between files',
  chaos: 'drawing faults from the seed',
};

/** JSON Schema (2020-12) of a scenario file as people write it, for editors. */
export function scenarioJsonSchema(): Readonly<Record<string, unknown>> {
  const { $schema, ...schema } = z.toJSONSchema(scenarioSchema, { io: 'input' });
  return { $schema, title: 'brickproof scenario', ...schema };
}
