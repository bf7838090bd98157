import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { parse as parseYaml } from 'yaml';
import { ClientNodeKubeApi } from '../../operator/adapters/kube-client-node.ts';
import { installDefinitions } from '../../sim/install.ts';
import { type Configuration, INSTANCE, type Instance } from '../../src/kube/akri.ts';
import { isKubeError } from '../../src/kube/error.ts';
import type { NewObject } from '../../src/kube/object.ts';
import { KUBERNETES_VERSION, startKubeApiserver } from '../real/kube-apiserver.ts';
import { installSearch, instances, NAMESPACE, taken } from './instances.ts';
import { LoadClient, type LoadTarget } from './load-client.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
const PATH = `/apis/${INSTANCE.apiVersion}/namespaces/${NAMESPACE}/${INSTANCE.plural}`;
const CONNECTIONS = 8;
const WATCHERS = 10;

interface Round {
  readonly client: LoadClient;
  readonly fresh: readonly NewObject<Instance>[];
  /** As the latest answer showed them; a round begins with none. */
  readonly stored: Instance[];
}

/** Returns how many of its units were done. */
type Work = (round: Round, series: number) => Promise<number>;

const WORKS: Readonly<Record<string, Work>> = {
  creates: ({ client, fresh, stored }) =>
    together(fresh.length, async (index) => {
      stored[index] = await instanceOf(client.send('POST', PATH, fresh[index]), 201);
    }),
  gets: ({ client, stored }) =>
    together(2 * stored.length, async (index) => {
      await instanceOf(client.send('GET', pathOf(stored[index % stored.length])), 200);
    }),
  updates: ({ client, stored }) =>
    together(stored.length, (index) => update({ client, stored }, index, 'edge-1')),
  'server-side applies': ({ client, stored }, series) =>
    together(stored.length, async (index) => {
      const { apiVersion, kind } = INSTANCE;
      const { namespace, name } = (stored[index] as Instance).metadata;
      const spec = { brokerProperties: { VERSION: `2.0.${series}` } };
      const body = { apiVersion, kind, metadata: { namespace, name }, spec };
      const path = `${pathOf(stored[index])}?fieldManager=bench&force=true`;
      stored[index] = await instanceOf(client.send('PATCH', path, body, 'application/apply-patch+yaml'), 200);
    }),
  lists: ({ client }) =>
    together(40, async () => {
      const { status } = await client.send('GET', `${PATH}?limit=500`);
      if (status !== 200) throw new Error(`a list was answered with ${status}`);
    }),
  [`events to ${WATCHERS} watches`]: async ({ client, stored }) => {
    const { resourceVersion } = JSON.parse(
      String((await client.send('GET', `${PATH}?limit=1`)).body),
    ).metadata;
    const watch = `${PATH}?watch=true&resourceVersion=${resourceVersion}`;
    const watches = await Promise.all(
      Array.from({ length: WATCHERS }, () => client.watch(watch, stored.length)),
    );
    await together(stored.length, (index) => update({ client, stored }, index, 'edge-2'));
    await Promise.all(watches.map(({ heard }) => heard));
    return stored.length * WATCHERS;
  },
};

/**
 * Requests per second over TLS with a token and RBAC on, ours beside the real server's, each in a process of its
 * own. The two take turns with every kind of work, so that whatever else the machine does slows both.
 */
export async function benchClusterHttp(
  { rounds, count }: { readonly rounds: number; readonly count: number },
  print: (line: string) => void,
): Promise<void> {
  const line = (about: string, text: string): void => print(`${about.padEnd(38)} ${text}`);
  const many = (figure: number): string => Math.round(figure).toLocaleString('en');
  const ours = await startOurs();
  const real = await startReal().catch((error: Error) => {
    print(`!! NOT MEASURED against kube-apiserver ${KUBERNETES_VERSION}: ${error.message.split('\n')[0]}`);
    return undefined;
  });
  const servers = [ours, ...(real === undefined ? [] : [real])];
  const rates = new Map<string, number[]>();
  try {
    const clients = servers.map(({ target }) => new LoadClient(target, CONNECTIONS));
    // The first round warms up what will be warm in a cluster that runs.
    for (let series = 0; series <= rounds; series++) {
      const fresh = servers.map(({ search }) => [...instances(search, count, series)]);
      const parts = clients.map((client, index) => ({ client, fresh: fresh[index] ?? [], stored: [] }));
      for (const [name, work] of Object.entries(WORKS))
        for (const at of series % 2 === 0 ? [0, 1] : [1, 0]) {
          const round = parts[at];
          if (round === undefined) continue;
          const startedMs = performance.now();
          const done = await work(round, series);
          const rate = (done * 1000) / (performance.now() - startedMs);
          if (series > 0) rates.set(`${name} ${at}`, [...(rates.get(`${name} ${at}`) ?? []), rate]);
        }
    }
    for (const client of clients) client.close();
  } finally {
    for (const { stop } of servers) await stop();
  }
  line('embedded API over HTTPS', `per second, medians of ${rounds} rounds, ${CONNECTIONS} connections`);
  for (const name of Object.keys(WORKS)) {
    const [mine = 0, theirs] = [0, 1].map((at) => median(rates.get(`${name} ${at}`)));
    const ratio =
      theirs === undefined
        ? ''
        : `, kube-apiserver ${many(theirs)}: ${(mine / theirs).toFixed(1)} times as many`;
    line(`  ${name}`, `${many(mine)}${ratio}`);
  }
  if (real !== undefined)
    line('', `kube-apiserver ${KUBERNETES_VERSION} with its etcd on this machine's disk`);
}

interface BenchedServer {
  readonly target: LoadTarget;
  /** What the Instances are owned by. */
  readonly search: Configuration;
  stop(): Promise<void>;
}

/** The embedded cluster as a person starts it. */
async function startOurs(): Promise<BenchedServer> {
  const child = spawn(process.execPath, [MAIN, 'cluster', '--rbac', '--user', 'bench=system:masters'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = (): Promise<void> => {
    child.kill('SIGTERM');
    return ended;
  };
  for await (const said of createInterface(child.stdout)) {
    const file = /, kubeconfig (.+)$/.exec(said)?.[1];
    if (file === undefined) continue;
    const { clusters, users } = parseYaml(readFileSync(file, 'utf8')) as Kubeconfig;
    const { server: url = '', 'certificate-authority-data': data = '' } = clusters[0]?.cluster ?? {};
    const token = users.find(({ name }) => name === 'bench')?.user.token ?? '';
    const target = { url, token, authority: Buffer.from(data, 'base64').toString() };
    return { target, search: await searchOf(target), stop };
  }
  throw new Error('the embedded cluster did not get ready');
}

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: Readonly<Record<string, string>> }[];
  readonly users: readonly { readonly name: string; readonly user: { readonly token?: string } }[];
}

async function startReal(): Promise<BenchedServer> {
  const server = await startKubeApiserver();
  const { url, caFile } = server;
  const target = { url, token: server.token('admin'), authority: readFileSync(caFile, 'utf8') };
  try {
    return { target, search: await searchOf(target), stop: () => server.stop() };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Waits up to ten seconds: a real server takes a moment before it serves what was just defined. */
async function searchOf({ url, token, authority }: LoadTarget): Promise<Configuration> {
  const kube = ClientNodeKubeApi.connect({ url, token, authority });
  await installDefinitions(kube);
  for (let attempt = 1; ; attempt++)
    try {
      await kube.list(INSTANCE);
      return await installSearch(kube);
    } catch (error) {
      if (!isKubeError(error, 'NotFound') || attempt === 100) throw error;
      await pause(100);
    }
}

async function together(count: number, work: (index: number) => Promise<void>): Promise<number> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  return count;
}

async function update(
  { client, stored }: Pick<Round, 'client' | 'stored'>,
  index: number,
  node: string,
): Promise<void> {
  const { spec, ...rest } = stored[index] as Instance;
  const body = { ...rest, spec: taken(spec, node) };
  stored[index] = await instanceOf(client.send('PUT', pathOf(stored[index]), body), 200);
}

async function instanceOf(answer: ReturnType<LoadClient['send']>, wanted: number): Promise<Instance> {
  const { status, body } = await answer;
  if (status !== wanted) throw new Error(`a request was answered with ${status}: ${body}`);
  return JSON.parse(String(body)) as Instance;
}

const pathOf = (instance: Instance | undefined): string => `${PATH}/${instance?.metadata.name}`;

function median(values: readonly number[] = []): number | undefined {
  return values.toSorted((left, right) => left - right)[values.length >> 1];
}

if (import.meta.main)
  await benchClusterHttp({ rounds: 3, count: 300 }, (line) => void process.stdout.write(`${line}\n`));
