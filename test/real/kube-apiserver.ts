import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { buildGoPeer } from './go-peer.ts';

export const KUBERNETES_VERSION = 'v1.32.4';

/** Somebody whom the server knows by a bearer token. */
export interface KnownUser {
  readonly name: string;
  readonly groups?: readonly string[];
}

/** A real kube-apiserver over a real etcd, with RBAC on, no scheduler or kubelet, and no controllers but those asked for. */
export interface KubeApiserver {
  /** `https://127.0.0.1:port`. */
  readonly url: string;
  /** PEM file that the server's certificate verifies against. */
  readonly caFile: string;
  /** A kubeconfig file of one of the users; absent: `admin`, who may do everything. */
  kubeconfig(user?: string): string;
  token(user: string): string;
  /** A kubeconfig file of somebody whom the server knows by a client certificate (CN and O). */
  certificateKubeconfig(user: KnownUser): string;
  /**
   * Runs controllers of kube-controller-manager by their names there. The garbage collector looks for new
   * kinds when it starts, and then every half minute.
   */
  startControllers(...names: readonly string[]): Promise<void>;
  /** Makes etcd forget everything before its present revision, which it otherwise does every five minutes. */
  compact(): Promise<void>;
  /** Stops and starts kube-apiserver alone, on the same port; etcd keeps everything. */
  restart(): Promise<void>;
  /** Copies what etcd holds, while both are stopped. */
  backUp(): Promise<void>;
  /** Both start again with what was copied, and know nothing of what came after. */
  restore(): Promise<void>;
  stop(): Promise<void>;
}

const ADMIN: KnownUser = { name: 'admin', groups: ['system:masters'] };

/** The etcd that this version of Kubernetes is built with; it can say how far a watch is, which older ones cannot. */
const ETCD_VERSION = 'v3.5.16';

export function buildEtcd(): Promise<string> {
  const binary = `etcd-${ETCD_VERSION.slice(1)}`;
  return buildGoPeer({ binary, module: 'kube-apiserver', package: 'go.etcd.io/etcd/server/v3' });
}

export function buildKubeApiserver(): Promise<string> {
  return buildKubernetes('kube-apiserver');
}

export function buildControllerManager(): Promise<string> {
  return buildKubernetes('kube-controller-manager');
}

function buildKubernetes(command: string): Promise<string> {
  const [major, minor] = KUBERNETES_VERSION.slice(1).split('.');
  const version = 'k8s.io/component-base/version';
  const stamps = `-X ${version}.gitVersion=${KUBERNETES_VERSION} -X ${version}.gitMajor=${major} -X ${version}.gitMinor=${minor}`;
  return buildGoPeer({
    binary: `${command}-${KUBERNETES_VERSION.slice(1)}`,
    module: 'kube-apiserver',
    package: `k8s.io/kubernetes/cmd/${command}`,
    ldflags: `-s -w ${stamps}`,
  });
}

/** Ports and folder are its own, so that several may run. Throws Error with the server's log when it does not get ready. */
export async function startKubeApiserver(
  options: { readonly users?: readonly KnownUser[]; readonly flags?: readonly string[] } = {},
): Promise<KubeApiserver> {
  const [binary, etcdBinary] = [await buildKubeApiserver(), await buildEtcd()];
  const folder = mkdtempSync(join(tmpdir(), 'brickproof-kube-'));
  const at = (name: string): string => join(folder, name);
  const tokens = new Map([ADMIN, ...(options.users ?? [])].map((user) => [user.name, randomToken()]));
  writeIdentities(at, [ADMIN, ...(options.users ?? [])], tokens);

  const [etcdPort, peerPort, port] = await freePorts(3);
  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const etcdFlags = [
    ...['--data-dir', at('etcd'), '--listen-client-urls', etcdUrl, '--advertise-client-urls', etcdUrl],
    ...['--listen-peer-urls', `http://127.0.0.1:${peerPort}`, '--log-level', 'error'],
  ];
  let etcd = start(etcdBinary, etcdFlags);
  const url = `https://127.0.0.1:${port}`;
  const flags = [
    `--etcd-servers=${etcdUrl}`,
    ...['--bind-address=127.0.0.1', '--advertise-address=127.0.0.1', `--secure-port=${port}`],
    `--cert-dir=${at('certs')}`,
    `--client-ca-file=${at('client-ca.crt')}`,
    `--token-auth-file=${at('tokens.csv')}`,
    ...[`--service-account-key-file=${at('sa.pem')}`, `--service-account-signing-key-file=${at('sa.pem')}`],
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    ...['--authorization-mode=RBAC', '--service-cluster-ip-range=10.96.0.0/16'],
    // Nothing here makes the `default` service accounts which this one waits for.
    '--disable-admission-plugins=ServiceAccount',
    ...(options.flags ?? []),
  ];
  let server = start(binary, flags);
  let controllers: Running | undefined;
  const caFile = at('certs/apiserver.crt');
  try {
    await ready(server, url, caFile);
  } catch (error) {
    await Promise.all([stopProcess(server), stopProcess(etcd)]);
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  const kubeconfig = (name: string, user: object): string => {
    const file = at(`${name}.kubeconfig`);
    const cluster = { server: url, 'certificate-authority': caFile };
    const text = {
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'real' },
      clusters: [{ name: 'real', cluster }],
      users: [{ name, user }],
      contexts: [{ name: 'real', context: { cluster: 'real', user: name } }],
    };
    writeFileSync(file, JSON.stringify(text));
    return file;
  };
  const token = (user: string): string => {
    const known = tokens.get(user);
    if (known === undefined) throw new Error(`no user ${user} was named when the server was started`);
    return known;
  };
  const startWith = async (change: () => void): Promise<void> => {
    await stopProcess(server);
    await stopProcess(etcd);
    change();
    etcd = start(etcdBinary, etcdFlags);
    server = start(binary, flags);
    await ready(server, url, caFile);
  };
  return {
    url,
    caFile,
    token,
    kubeconfig: (user = ADMIN.name) => kubeconfig(user, { token: token(user) }),
    certificateKubeconfig(user) {
      const files = signCertificate(at, user);
      return kubeconfig(`${user.name}-certificate`, files);
    },
    async compact() {
      const { header } = (await askEtcd(etcdUrl, 'range', { key: 'AA==', limit: 1 })) as {
        header: { revision: string };
      };
      await askEtcd(etcdUrl, 'compaction', { revision: header.revision });
    },
    async restart() {
      await stopProcess(server);
      server = start(binary, flags);
      await ready(server, url, caFile);
    },
    backUp: () => startWith(() => cpSync(at('etcd'), at('backup'), { recursive: true })),
    restore: () =>
      startWith(() => {
        rmSync(at('etcd'), { recursive: true });
        cpSync(at('backup'), at('etcd'), { recursive: true });
      }),
    async startControllers(...names) {
      controllers = start(await buildControllerManager(), [
        `--kubeconfig=${kubeconfig(ADMIN.name, { token: token(ADMIN.name) })}`,
        ...[`--controllers=${names.join(',')}`, '--leader-elect=false', '--secure-port=0'],
      ]);
    },
    async stop() {
      if (controllers !== undefined) await stopProcess(controllers);
      await stopProcess(server);
      await stopProcess(etcd);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

type At = (name: string) => string;

const randomToken = (): string => randomBytes(16).toString('hex');

const openssl = (...args: readonly string[]): void => {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
};

function writeIdentities(at: At, users: readonly KnownUser[], tokens: ReadonlyMap<string, string>): void {
  const lines = users.map(
    (user) => `${tokens.get(user.name)},${user.name},${user.name},"${(user.groups ?? []).join(',')}"\n`,
  );
  writeFileSync(at('tokens.csv'), lines.join(''));
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(at('sa.pem'), privateKey.export({ type: 'sec1', format: 'pem' }));
  openssl(
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
    ...['-subj', '/CN=client-ca', '-keyout', at('client-ca.key'), '-out', at('client-ca.crt')],
  );
}

function signCertificate(at: At, user: KnownUser): object {
  const [key, request, certificate] = [`${user.name}.key`, `${user.name}.csr`, `${user.name}.crt`].map(at);
  const subject = `${(user.groups ?? []).map((group) => `/O=${group}`).join('')}/CN=${user.name}`;
  openssl(
    ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', subject],
    ...['-keyout', key as string, '-out', request as string],
  );
  openssl(
    ...['x509', '-req', '-in', request as string, '-CA', at('client-ca.crt'), '-CAkey', at('client-ca.key')],
    ...['-CAcreateserial', '-days', '2', '-out', certificate as string],
  );
  return { 'client-certificate': certificate, 'client-key': key };
}

interface Running {
  readonly process: ChildProcess;
  readonly log: () => string;
}

function start(command: string, args: readonly string[]): Running {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.once('error', (error) => {
    log += `${command} cannot be started (${error.message})\n`;
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-20_000);
  });
  return { process: child, log: () => log };
}

function stopProcess({ process: child }: Running): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
    return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    // kube-apiserver's graceful end waits for watches; what it knows is in etcd.
    child.kill('SIGKILL');
  });
}

/** etcd speaks JSON, too. Source: etcd 3.5 documentation, "gRPC gateway". */
async function askEtcd(url: string, call: string, body: object): Promise<unknown> {
  const answer = await fetch(`${url}/v3/kv/${call}`, { method: 'POST', body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`etcd refuses ${call}: ${await answer.text()}`);
  return answer.json();
}

async function ready(server: Running, url: string, caFile: string): Promise<void> {
  for (let attempt = 0; attempt < 1200; attempt++) {
    if (server.process.exitCode !== null) break;
    if (await answersReady(url, caFile)) return;
    await pause(100);
  }
  throw new Error(`kube-apiserver did not get ready:\n${server.log()}`);
}

function answersReady(url: string, caFile: string): Promise<boolean> {
  return new Promise((resolve) => {
    let ca: string;
    try {
      ca = readFileSync(caFile, 'utf8');
    } catch {
      return resolve(false);
    }
    get(`${url}/readyz`, { ca, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    }).on('error', () => resolve(false));
  });
}

/** Ports that were free a moment ago: neither etcd nor kube-apiserver can be told to choose one and say which. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const server = createServer();
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
