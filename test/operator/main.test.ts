import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { SystemRandom } from '../../operator/adapters/system-random.ts';
import { WallClock } from '../../operator/adapters/wall-clock.ts';
import { startBroker } from '../../sim/live/broker.ts';
import { openOwnCluster } from '../../sim/live/cluster/own-cluster.ts';
import { POD } from '../../src/kube/core.ts';
import { DEVICE } from '../../src/kube/device.ts';
import { FLASH_JOB } from '../../src/kube/flash-job.ts';
import { ed25519Pair } from '../oci/signature/keys.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'operator', 'main.ts');
const folder = mkdtempSync(join(tmpdir(), 'brickproof-operator-'));
afterAll(() => rmSync(folder, { recursive: true }));
const { publicPem } = ed25519Pair('release');
const POLICY = JSON.stringify({
  keys: { release: { pem: publicPem } },
  applications: { thermo: ['release'] },
});

/** The process as a Pod would run it: nothing in its environment but what is said here. */
function start(env: Readonly<Record<string, string>>): { child: ChildProcess; ended: Promise<string> } {
  const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += chunk;
  });
  const ended = new Promise<string>((resolve) => child.on('close', (code) => resolve(`${code}: ${said}`)));
  return { child, ended };
}

describe('an environment that is not right ends the process with 64 and says what to put right', () => {
  const BROKER_URL = 'mqtt://127.0.0.1:1';
  test.concurrent.each<[string, Record<string, string>, RegExp]>([
    ['no broker', {}, /^64: BROKER_URL is not set: name the MQTT broker/],
    ['a policy that is no JSON', { BROKER_URL, SIGNATURE_POLICY: '{' }, /^64: SIGNATURE_POLICY: .*JSON/],
    [
      'a policy that names a key it does not have',
      { BROKER_URL, SIGNATURE_POLICY: POLICY.replace('["release"]', '["relaese"]') },
      /^64: SIGNATURE_POLICY: applications\.thermo\[0\].*is not the name of a key of this policy/,
    ],
    [
      'a mirror of nothing',
      { BROKER_URL, REGISTRY_MIRRORS: 'mirror.local' },
      /^64: REGISTRY_MIRRORS: a mirror is written HOST=MIRROR, not "mirror\.local"\n$/,
    ],
    [
      'a policy file that is not there',
      { BROKER_URL, SIGNATURE_POLICY_FILE: '/nowhere/policy.json' },
      /^64: SIGNATURE_POLICY_FILE: \/nowhere\/policy\.json cannot be read \(ENOENT\)\n$/,
    ],
  ])('%s', async (_, env, told) => {
    expect(await start(env).ended).toMatch(told);
  });
});

test('agents are given the policy itself, the folder that a node shares and the names of Secrets, and no secret', async () => {
  const cluster = await openOwnCluster(new WallClock(), new SystemRandom());
  const broker = await startBroker();
  writeFileSync(join(folder, 'policy.json'), POLICY);
  const operator = start({
    BROKER_URL: broker.url,
    BROKER_USERNAME: 'fleet',
    BROKER_PASSWORD: 'orchard',
    CACHE_DIR: '/var/cache/brickproof',
    REGISTRY_MIRRORS: 'docker.io=mirror.local',
    REGISTRY_SECRET: 'registry-login',
    BROKER_SECRET: 'broker-login',
    KUBECONFIG: cluster.kubeconfig,
    SIGNATURE_POLICY_FILE: join(folder, 'policy.json'),
  });
  try {
    const { kube } = cluster;
    const { resourceVersion } = await kube.list(POD);
    const name = '00000000-0000-4000-8000-000000000001';
    await kube.create(DEVICE, {
      apiVersion: DEVICE.apiVersion,
      kind: DEVICE.kind,
      metadata: { namespace: 'default', name },
      spec: { ueid: `01${name.replaceAll('-', '')}` },
    });
    await kube.create(FLASH_JOB, {
      apiVersion: FLASH_JOB.apiVersion,
      kind: FLASH_JOB.kind,
      metadata: { namespace: 'default', name: 'update' },
      spec: { uuid: [name], firmware: 'registry.local/thermo:2.0.0', version: '2.0.0' },
    });
    const { signal } = new AbortController();
    for await (const event of kube.watch(POD, { resourceVersion, signal })) {
      if (event.type !== 'ADDED') continue;
      const { object } = event;
      const { containers, volumes } = object.spec;
      const env = Object.fromEntries(containers[0]?.env?.map((entry) => [entry.name, entry.value]) ?? []);
      expect(env).toMatchObject({
        BROKER_URL: broker.url,
        SIGNATURE_POLICY: POLICY,
        REGISTRY_MIRRORS: 'docker.io=mirror.local',
      });
      expect(JSON.stringify(object)).not.toContain('orchard');
      expect(containers[0]?.envFrom).toEqual([{ secretRef: { name: 'broker-login' } }]);
      const mounted = { name: 'content-cache', mountPath: env.CACHE_DIR };
      const login = { name: 'registry-login', mountPath: env.DOCKER_CONFIG, readOnly: true };
      expect(containers[0]?.volumeMounts).toEqual([mounted, login]);
      expect(volumes).toEqual([
        { name: 'content-cache', hostPath: { path: '/var/cache/brickproof', type: 'DirectoryOrCreate' } },
        {
          name: 'registry-login',
          secret: {
            secretName: 'registry-login',
            items: [{ key: '.dockerconfigjson', path: 'config.json' }],
            defaultMode: 0o644,
          },
        },
      ]);
      break;
    }
  } finally {
    operator.child.kill('SIGTERM');
    await operator.ended;
    await broker.close();
    await cluster.close();
  }
});
