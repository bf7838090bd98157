import { orderOf } from '../../src/flashjob/order.ts';
import { reasonOfCode, setCondition } from '../../src/kube/condition.ts';
import { isKubeError } from '../../src/kube/error.ts';
import { FLASH_JOB, type FlashJob } from '../../src/kube/flash-job.ts';
import { keyText, type ObjectKey } from '../../src/kube/object.ts';
import { type ResolvedFirmware, resolveFirmware } from '../../src/oci/fetch-firmware.ts';
import { FirmwareError } from '../../src/oci/firmware-error.ts';
import type { FirmwareSource } from '../../src/oci/firmware-source.ts';
import { timestamp } from '../../src/time/clock.ts';
import { DECIDERS, type Deciders, type OperatorPorts } from '../ports.ts';
import { Informer } from '../runtime/informer.ts';
import { Metrics } from '../runtime/metrics.ts';

import { Verifier } from '../verifier.ts';
import { DeviceFlash, type JobContext } from './device-flash.ts';
import { JobFirmware } from './job-firmware.ts';

/** How an agent's process ends; a code other than 0 means that it could not finish, whatever the devices did. */
export interface AgentExit {
  readonly code: 0 | 1;
  readonly message: string;
}

const PARALLELISM = 16;
/** Devices start within this time of each other, so that a thousand do not ask at once. */
const START_JITTER_MS = 2_000;
/** Pause before a device that others hold, or a paused job, is looked at again. */
const LATER_MS = 10_000;

/**
 * Flashes the devices of one FlashJob, several at once, until each has an outcome.
 *
 * The agent may be killed anywhere and started again: it carries on from the twins. Exit code 0 says that
 * every device has an outcome, good or bad; which one is on its Device and in the job's status.
 */
export async function runFlashAgent(
  ports: OperatorPorts,
  key: ObjectKey,
  signal: AbortSignal,
  deciders: Partial<Deciders> = {},
): Promise<AgentExit> {
  const judges = { ...DECIDERS, ...deciders };
  const ending = new AbortController();
  const flashes = new Set<DeviceFlash>();
  const ringAll = (): void => {
    for (const flash of flashes) flash.ring();
  };
  const stop = (): void => {
    ending.abort();
    ringAll();
  };
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  const jobs = new Informer({ ...ports, metrics: new Metrics() }, FLASH_JOB, {
    fieldSelector: `metadata.name=${key.name}`,
    ...(key.namespace !== undefined && { namespace: key.namespace }),
  });
  let order = '';
  jobs.onChange((_, job) => {
    // Another order, or none: this agent's work is over, the operator starts another one.
    if (order !== '' && (job === undefined || orderOf(job.spec) !== order)) stop();
    ringAll();
  });
  const watching = jobs.run(ending.signal);
  const aborted = new Promise<void>((settle) => ending.signal.addEventListener('abort', () => settle()));
  try {
    await Promise.race([jobs.whenSynced(), aborted]);
    let job = jobs.get(keyText(key));
    if (ending.signal.aborted) return { code: 1, message: 'stopped' };
    if (job === undefined) return { code: 0, message: `there is no FlashJob ${keyText(key)}` };
    order = orderOf(job.spec);
    const source: FirmwareSource = { registry: ports.registry, ...(ports.cache && { cache: ports.cache }) };
    const firmware = new JobFirmware(
      ports,
      source,
      {
        resolve: () => resolveOnce(ports, source, key),
        application: job.spec.applicationType ?? '',
        onChange: ringAll,
      },
      ending.signal,
    );
    const context: JobContext = {
      ports,
      decide: judges.decideDeviceUpdate,
      verifier: new Verifier(ports, judges.appraise, `${keyText(key)}/${job.metadata.uid}`),
      firmware,
      order,
      job: () => {
        job = jobs.get(keyText(key)) ?? job;
        return job as FlashJob;
      },
      signal: ending.signal,
    };
    const names = [...new Set(job.spec.uuid.map((uuid) => job?.status?.aliases?.[uuid] ?? uuid))];
    await flashAll(context, names, flashes, job.spec.parallelism ?? PARALLELISM);
    return ending.signal.aborted
      ? { code: 1, message: 'stopped before every device had its outcome' }
      : { code: 0, message: `${names.length} devices have their outcome` };
  } finally {
    stop();
    signal.removeEventListener('abort', stop);
    await watching;
  }
}

/** Works through the devices, `parallelism` at a time; one that has to wait for others goes to the back. */
async function flashAll(
  context: JobContext,
  names: readonly string[],
  flashes: Set<DeviceFlash>,
  parallelism: number,
): Promise<void> {
  const { clock } = context.ports;
  const random = context.ports.random.split(`agent/${context.job().metadata.uid}`);
  const queue = names.map((name) => ({ name, fromMs: clock.nowMs + random.next() * START_JITTER_MS }));
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const delayMs = next.fromMs - clock.nowMs;
      if (delayMs > 0) await clock.sleep(delayMs, context.signal).catch(() => undefined);
      if (context.signal.aborted) return;
      const flash = new DeviceFlash(context, next.name);
      flashes.add(flash);
      const end = await flash.run();
      flashes.delete(flash);
      if (end === 'later' && context.job().spec.cancelled !== true)
        queue.push({ name: next.name, fromMs: clock.nowMs + LATER_MS });
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallelism, names.length) }, work));
}

/** What the job's reference means: as the job remembers it, or asked now and remembered. */
async function resolveOnce(
  ports: OperatorPorts,
  source: FirmwareSource,
  key: ObjectKey,
): Promise<ResolvedFirmware> {
  const job = await ports.kube.get(FLASH_JOB, key);
  const reference = job.spec.firmware;
  const remembered = job.status?.firmware;
  if (remembered !== undefined && remembered.reference === reference)
    return resolveFirmware(source, `${reference.split('@')[0]}@${remembered.digest}`);
  try {
    const resolved = await resolveFirmware(source, reference);
    const firmware = { reference, digest: resolved.digest };
    await remember(ports, job, 'True', 'Resolved', `${reference} is ${resolved.digest}`, { firmware });
    return resolved;
  } catch (error) {
    if (error instanceof FirmwareError)
      await remember(ports, job, 'False', reasonOfCode(error.code), error.message, {}).catch(() => undefined);
    throw error;
  }
}

/** Rejects with KubeError `Conflict` when the job has moved on; the caller tries again. */
async function remember(
  { kube, clock }: OperatorPorts,
  job: FlashJob,
  status: 'True' | 'False',
  reason: string,
  message: string,
  more: Partial<NonNullable<FlashJob['status']>>,
): Promise<void> {
  const wanted = { type: 'FirmwareResolved', status, reason, message };
  const conditions = setCondition(job.status?.conditions, wanted, timestamp(clock));
  if (conditions === job.status?.conditions) return;
  const body = {
    metadata: { resourceVersion: job.metadata.resourceVersion },
    status: { ...more, conditions },
  };
  const { namespace, name } = job.metadata;
  const key = { name, ...(namespace !== undefined && { namespace }) };
  try {
    await kube.patch(FLASH_JOB, key, { type: 'merge', body }, { subresource: 'status' });
  } catch (error) {
    // Losing this race costs a second question to the registry, nothing else.
    if (!isKubeError(error, 'Conflict') || status === 'True') throw error;
  }
}
