import { z } from 'zod';
import { isOutcome, OUTCOMES, type Outcome } from '../../device/outcome.ts';
import { FAULT_NAMES, type FaultName } from '../fault.ts';
import { CONTENT_KINDS } from '../world.ts';
import { boardSelector, staticMembers } from './schema-fleet.ts';
import { amount, durationMs, measure } from './schema-quantity.ts';

const outcomeNames = Object.keys(OUTCOMES).filter(isOutcome) as [Outcome, ...Outcome[]];
const faultName = z.enum(FAULT_NAMES as [FaultName, ...FaultName[]]);
const runs = z.string().optional().describe('Runs this firmware (a key of `firmware`).');
const application = z.string().optional().describe('Runs this application.');
const identity = z.enum(['genuine', 'cloned', 'forged', 'replayed']).optional();
const version = z.string().optional().describe('Runs this version.');

/** What twins say: the operator's knowledge, proved by evidence. */
export const deviceSelector = z
  .strictObject({
    ...staticMembers,
    runs,
    application,
    version,
    attested: z.boolean().optional().describe('Its last evidence was accepted.'),
    confirmed: z.boolean().optional().describe('Its image is off probation.'),
    online: z.boolean().optional(),
    updating: z.boolean().optional().describe('A job holds it and has not settled.'),
    impersonated: z.boolean().optional().describe('Another board claims to be it.'),
    outcome: z.enum(outcomeNames).optional().describe('How its last update ended.'),
    message: z.string().min(1).optional().describe("Words of its last update's message."),
    identity: identity.describe('What the board behind it truly is; absent: genuine.'),
    configuration: z.string().optional().describe('The Akri Configuration that lists it.'),
  })
  .describe('Devices, as their twins say.');

/** What boards truly do. */
export const boardStateSelector = z
  .strictObject({
    ...staticMembers,
    runs,
    application,
    version,
    identity,
    state: z.enum(['off', 'booting', 'running', 'updating', 'bricked']).optional(),
    online: z.boolean().optional(),
    confirmed: z.boolean().optional().describe('Its image is off probation.'),
    slot: z.string().optional().describe('ota_0, ota_1, …'),
  })
  .describe('Boards, as they truly are.');

export const instanceSelector = z
  .strictObject({
    configuration: z.string().optional().describe('Found by this Akri Configuration.'),
    application: z.string().optional().describe('Says it runs this application.'),
    group: staticMembers.group,
    chip: staticMembers.chip,
  })
  .describe('Akri Instances.');

const outcomeSelector = z
  .strictObject({
    rollout: z.string().optional().describe('Devices of this FirmwareRollout.'),
    job: z.string().optional().describe('Devices of this FlashJob.'),
    outcome: z.enum([...outcomeNames, 'pending']),
  })
  .describe('Devices of one rollout or job that ended so.');

const traffic = z
  .strictObject({ content: z.enum(CONTENT_KINDS).optional().describe('Absent: all of it.') })
  .describe('Bytes of content that the registry has sent to a node, to the one that got most.');

const inject = z
  .strictObject({
    fault: faultName,
    on: boardSelector.optional().describe('Absent: every board. Only for faults that strike boards.'),
    for: durationMs.optional().describe('Absent: until it is healed, or the steps are over.'),
    parameters: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  })
  .describe('Turns a fault on.');

const wait = z
  .strictObject({
    for: z.string().describe('kind/name: rollout/thermo-2.'),
    namespace: z.string().optional(),
    condition: z.string().optional().describe('A condition that is True, or Type=Status.'),
    phase: z.string().optional(),
    deleted: z.literal(true).optional(),
    within: durationMs,
  })
  .describe('Lets time pass until an object is as wanted.');

const expect = z
  .strictObject({
    devices: deviceSelector.optional(),
    boards: boardStateSelector.optional(),
    instances: instanceSelector.optional(),
    outcomes: outcomeSelector.optional(),
    'bytes-per-node': traffic.optional(),
    count: measure.optional().describe('Exactly so many, or that share of those it could be.'),
    'at-least': measure.optional(),
    'at-most': measure.optional(),
    within: durationMs.optional().describe('Absent: now.'),
  })
  .describe('Lets time pass until so many are so.');

const fill = z
  .strictObject({
    devices: deviceSelector,
    count: amount.optional().describe('Absent: all of them.'),
    id: z
      .enum(['device', 'instance'])
      .optional()
      .describe('Ids of Devices, or uids of their Akri Instances.'),
  })
  .describe('Ids of devices, known only once the fleet is up; drawn by the seed.');

const anyObject = z.looseObject({ apiVersion: z.string(), kind: z.string() });

export const step = z
  .strictObject({
    name: z.string().optional().describe('What the report calls this step.'),
    at: durationMs.optional().describe("Not before this time from the story's start."),
    after: durationMs.optional().describe('So long after the step before.'),
    apply: z
      .union([z.string(), anyObject, z.array(z.union([z.string(), anyObject])).min(1)], {
        error: 'must be a manifest file, an inline object with apiVersion and kind, or a list of these',
      })
      .optional()
      .describe('Creates or updates objects: a manifest file, an inline object, or several.'),
    fill: z
      .record(z.string(), fill)
      .optional()
      .describe('Members of the applied object, by path: spec.uuid.'),
    delete: z
      .union([z.string(), z.array(z.string()).min(1)], { error: 'must be kind/name, or a list of these' })
      .optional()
      .describe('Deletes objects: kind/name.'),
    inject: inject.optional(),
    heal: faultName.optional().describe('Turns a fault off, wherever it is on.'),
    wait: wait.optional(),
    expect: expect.optional(),
  })
  .describe('One step; they run one after the other.');
