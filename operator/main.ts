/**
 * The process for a real cluster: the operator, or, where `FLASHJOB_NAME` is set, the flash agent of that job.
 *
 * Environment:
 * - `BROKER_URL` (needed), `BROKER_USERNAME`, `BROKER_PASSWORD`;
 * - `KUBECONFIG` (absent: the Pod's own account), `WATCH_NAMESPACE` (absent: the whole cluster), `POD_NAME` and
 *   `POD_NAMESPACE` for the Lease;
 * - `REGISTRY_INSECURE_HOSTS` (spoken to without TLS) and `REGISTRY_MIRRORS` (`HOST=MIRROR`), both comma-separated,
 *   `REGISTRY_CA` (PEM) or `REGISTRY_CA_FILE`, `DOCKER_CONFIG` (a folder whose `config.json` holds logins);
 * - `SIGNATURE_POLICY` (JSON) or `SIGNATURE_POLICY_FILE`: who may sign which application (absent: nobody is asked);
 * - for agents: `AGENT_IMAGE`, `CACHE_DIR` (a folder of each node in which they share what they fetched; absent: each
 *   fetches for itself), and in the namespaces of FlashJobs two Secrets: `BROKER_SECRET` (with `BROKER_USERNAME` and
 *   `BROKER_PASSWORD`) and `REGISTRY_SECRET` (of type `kubernetes.io/dockerconfigjson`).
 *
 * Exit codes: 0 done, 1 stopped before it was done, 64 something in the environment is missing.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { ContentCache } from '../src/oci/content-cache.ts';
import { parseSignaturePolicy } from '../src/oci/signature/signature-policy.ts';
import { CacheFolder } from './adapters/cache-folder.ts';
import { ClientNodeKubeApi } from './adapters/kube-client-node.ts';
import { connectMqtt } from './adapters/mqtt-channel.ts';
import { registriesOf } from './adapters/registry-settings.ts';
import { SystemRandom } from './adapters/system-random.ts';
import { WallClock } from './adapters/wall-clock.ts';
import { type OperatorPorts, runFlashAgent, startOperator } from './index.ts';

const CACHE_BYTES = 128 * 1024 * 1024;
/** Of a node's disk. */
const NODE_CACHE_BYTES = 512 * 1024 * 1024;
/** Handed on to agents, which need the same broker and registries. No secrets: whoever sees a Pod sees these. */
const PASSED_ON = [
  'BROKER_URL',
  'BROKER_SECRET',
  'REGISTRY_INSECURE_HOSTS',
  'REGISTRY_MIRRORS',
  'REGISTRY_CA',
  'REGISTRY_SECRET',
  'SIGNATURE_POLICY',
  'CACHE_DIR',
];
/** Given as what they say, or as a file that says it; agents have no such file, and what it says is public. */
const MAY_BE_FILES = ['SIGNATURE_POLICY', 'REGISTRY_CA'];

const { env } = process;

async function main(): Promise<number> {
  const brokerUrl = env.BROKER_URL ?? '';
  if (brokerUrl === '') {
    process.stderr.write('BROKER_URL is not set: name the MQTT broker, for example mqtt://broker:1883\n');
    return 64;
  }
  for (const name of MAY_BE_FILES) {
    const file = env[`${name}_FILE`];
    try {
      if (file) env[name] = readFileSync(file, 'utf8');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      process.stderr.write(`${name}_FILE: ${file} cannot be read (${code})\n`);
      return 64;
    }
  }
  const policy =
    env.SIGNATURE_POLICY === undefined
      ? undefined
      : parseSignaturePolicy(new TextEncoder().encode(env.SIGNATURE_POLICY));
  if (policy?.ok === false) {
    process.stderr.write(`SIGNATURE_POLICY: ${policy.refusal.message}\n`);
    return 64;
  }
  const job = env.FLASHJOB_NAME ?? '';
  const identity = env.POD_NAME ?? hostname();
  const [clock, random] = [new WallClock(), new SystemRandom()];
  const registries = registriesOf(env, { clock, random });
  if (!registries.ok) {
    process.stderr.write(`${registries.refusal.message}\n`);
    return 64;
  }
  const ports: OperatorPorts = {
    kube: ClientNodeKubeApi.connect(
      env.KUBECONFIG === undefined ? { inCluster: true } : { kubeconfig: env.KUBECONFIG },
    ),
    registry: registries.value,
    channel: connectMqtt({
      url: brokerUrl,
      clientId: `brickproof-${identity}`,
      ...(env.BROKER_USERNAME !== undefined && { username: env.BROKER_USERNAME }),
      ...(env.BROKER_PASSWORD !== undefined && { password: env.BROKER_PASSWORD }),
    }),
    clock,
    random,
    cache: new ContentCache(CACHE_BYTES, job === '' ? undefined : openCacheFolder(clock)),
    ...(policy !== undefined && { signaturePolicy: policy.value }),
    log: (message, about) => process.stdout.write(`${JSON.stringify({ message, ...about })}\n`),
  };
  const ending = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ending.abort());
  try {
    if (job === '') return await lead(ports, identity, ending.signal);
    const exit = await runFlashAgent(
      ports,
      { namespace: env.FLASHJOB_NAMESPACE ?? 'default', name: job },
      ending.signal,
    );
    ports.log?.(exit.message, { code: exit.code });
    return exit.code;
  } finally {
    ports.channel.close();
  }
}

/** The operator's own Pod has no such volume, and fetches little. */
function openCacheFolder(clock: WallClock): CacheFolder | undefined {
  return env.CACHE_DIR ? new CacheFolder(env.CACHE_DIR, { clock, bytesMax: NODE_CACHE_BYTES }) : undefined;
}

/** Leads until it is told to stop, or loses the Lease: then the process ends, and its Pod begins anew. */
async function lead(ports: OperatorPorts, identity: string, signal: AbortSignal): Promise<number> {
  const operator = startOperator(ports, {
    election: { namespace: env.POD_NAMESPACE ?? 'default', name: 'brickproof-operator', identity },
    agentEnvironment: Object.fromEntries(PASSED_ON.flatMap((name) => (env[name] ? [[name, env[name]]] : []))),
    ...(env.WATCH_NAMESPACE && { namespace: env.WATCH_NAMESPACE }),
    ...(env.AGENT_IMAGE && { agentImage: env.AGENT_IMAGE }),
  });
  signal.addEventListener('abort', () => void operator.stop());
  await operator.ended;
  return signal.aborted ? 0 : 1;
}

process.exitCode = await main();
