/** The operator's front door: everything outside this folder enters here. */
import type { AgentPlacement } from './controllers/agent-pod.ts';
import { Attestation } from './controllers/attestation.ts';
import { createContext } from './controllers/context.ts';
import { createFirmwareRolloutController } from './controllers/firmware-rollout.ts';
import { createFlashJobController } from './controllers/flash-job.ts';
import { createInventory } from './controllers/inventory.ts';
import { DECIDERS, type Deciders, type OperatorPorts } from './ports.ts';
import { type Election, runAsLeader } from './runtime/leader-election.ts';

export {
  type Account,
  AGENT_ACCOUNT_NAME,
  agentAccess,
  allow,
  grant,
  OPERATOR_ACCESS,
  OPERATOR_ACCOUNT,
  serviceAccount,
} from './access.ts';
export { type AgentExit, runFlashAgent } from './agent/flash-agent.ts';
export type { AgentPlacement } from './controllers/agent-pod.ts';
export type { Deciders, OperatorPorts } from './ports.ts';
export type { Log } from './runtime/controller.ts';
export type { Election } from './runtime/leader-election.ts';

/** Image of the flash agent that runs in a FlashJob's Pod unless the job names another. */
export const AGENT_IMAGE = 'brickproof/flash-agent:0.1.0';

export interface OperatorOptions extends Partial<Deciders> {
  /** Absent: the whole cluster. */
  readonly namespace?: string;
  readonly agentImage?: string;
  /** Further environment of agent Pods, for example where the broker is. */
  readonly agentEnvironment?: Readonly<Record<string, string>>;
  /** Which nodes may run agent Pods; absent: any that takes them. */
  readonly agentPlacement?: AgentPlacement;
  /** Present: work only while holding the Lease; absent: at once. */
  readonly election?: Election;
}

export interface RunningOperator {
  /** Counters by name, as they are now. */
  metrics(): Readonly<Record<string, number>>;
  /** Settles when nothing of the operator runs any more: it was stopped, or lost the Lease. */
  readonly ended: Promise<void>;
  /** Settles with `ended`; idempotent. */
  stop(): Promise<void>;
}

/** Starts the operator; it works until it is stopped, whatever the API server and the broker do. */
export function startOperator(ports: OperatorPorts, options: OperatorOptions = {}): RunningOperator {
  const context = createContext(
    ports,
    { ...DECIDERS, ...definedOnly(options) },
    {
      agentImage: options.agentImage ?? AGENT_IMAGE,
      agentEnvironment: options.agentEnvironment ?? {},
      agentPlacement: options.agentPlacement ?? {},
      ...(options.namespace !== undefined && { namespace: options.namespace }),
    },
  );
  const ending = new AbortController();
  const lead = async (signal: AbortSignal): Promise<void> => {
    const attestation = new Attestation(context);
    const controllers = [
      createInventory(context),
      attestation.controller,
      createFlashJobController(context),
      createFirmwareRolloutController(context),
    ];
    const { instances, devices, jobs, rollouts, pods, services } = context;
    const informers = [instances, devices, jobs, rollouts, pods, services];
    await Promise.all([...informers, ...controllers].map((part) => part.run(signal)));
    attestation.close();
  };
  const { election } = options;
  const work =
    election === undefined ? lead(ending.signal) : runAsLeader(ports, election, lead, ending.signal);
  return {
    metrics: () => context.ports.metrics.read(),
    ended: work,
    stop: async () => {
      ending.abort();
      await work;
    },
  };
}

/** Leaves out members that are undefined, so that they do not hide a default. */
function definedOnly(options: OperatorOptions): Partial<Deciders> {
  const { decideRollout, decideFlashJob, decideDeviceUpdate, appraise } = options;
  return {
    ...(decideRollout && { decideRollout }),
    ...(decideFlashJob && { decideFlashJob }),
    ...(decideDeviceUpdate && { decideDeviceUpdate }),
    ...(appraise && { appraise }),
  };
}
