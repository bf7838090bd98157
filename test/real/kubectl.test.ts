import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { EmbeddedCluster } from '../../sim/cluster/embedded-cluster.ts';
import { HttpDoor } from '../../sim/cluster/http/http-door.ts';
import { writeKubeconfig } from '../../sim/cluster/http/http-kubeconfig.ts';
import { Kubelet } from '../../sim/cluster/stand-ins/kubelet.ts';
import { CONFIGURATION_CRD, INSTANCE_CRD } from '../../src/kube/akri.ts';
import { DEVICE_CRD } from '../../src/kube/device.ts';
import { FIRMWARE_ROLLOUT_CRD } from '../../src/kube/firmware-rollout.ts';
import { FLASH_JOB, FLASH_JOB_CRD } from '../../src/kube/flash-job.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { WallClock } from '../cluster/wall-clock.ts';

const run = promisify(execFile);

/** The manifest that existing users have, with ids filled in. */
const MANIFEST = `
apiVersion: application.flashjob.nbfc.io/v1alpha1
kind: FlashJob
metadata: { name: flashjob, namespace: default }
spec:
  uuid: [ d95c7c2d-7dc5-427b-9bf7-51a5d299c99e, 44606d10-7c29-4098-9d6a-dc16f95090d1 ]
  device: esp32
  hostEndpoint:
  firmware: registry.local/nubificus/esp32:2.0.0
  version: 0.2.0
  applicationType: thermo
  externalIP:
  flashjobPodImage: registry.local/nubificus/iot/esp32-flashjob:local
`;

/** This machine may have any kubectl, or none; the walk is written for one from 1.27 on. */
const version = kubectlVersion();

function kubectlVersion(): string {
  const { clientVersion } = JSON.parse(
    execFileSync('kubectl', ['version', '--client', '-o', 'json'], { encoding: 'utf8' }),
  ) as { clientVersion: { gitVersion: string } };
  return clientVersion.gitVersion;
}

describe(`kubectl ${version} against the embedded cluster`, () => {
  const cluster = new EmbeddedCluster({ clock: new WallClock(), random: SeededRandom.ofSeed(1) });
  const door = new HttpDoor(cluster);
  const stop = new AbortController();
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubectl-'));
    await writeKubeconfig(join(folder, 'kubeconfig'), await door.listen());
    const kubelet = new Kubelet({
      api: cluster.api('kubelet'),
      clock: cluster.server.clock,
      nodeName: 'edge-1',
      programs: (image) => (image === 'agent:1' ? async () => ({ exitCode: 0, message: 'done' }) : undefined),
    });
    void kubelet.run(stop.signal);
  });
  afterAll(async () => {
    stop.abort();
    await door.close();
    await rm(folder, { recursive: true });
  });

  /** Runs kubectl; rejects with its error output when it fails. */
  async function kubectl(...args: readonly string[]): Promise<string> {
    const env = { ...process.env, KUBECONFIG: join(folder, 'kubeconfig'), HOME: folder };
    const { stdout } = await run('kubectl', [...args, '--cache-dir', join(folder, 'cache')], { env });
    return stdout;
  }
  async function apply(name: string, text: string, ...args: readonly string[]): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, text);
    return kubectl('apply', '-f', path, ...args);
  }
  const lines = (text: string): string[][] =>
    text
      .trim()
      .split('\n')
      .map((line) => line.split(/ {2,}/));

  test('definitions are applied, established, and explained', async () => {
    const definitions = [CONFIGURATION_CRD, INSTANCE_CRD, FLASH_JOB_CRD, DEVICE_CRD, FIRMWARE_ROLLOUT_CRD];
    const applied = await apply('crds.yaml', definitions.map((crd) => stringify(crd)).join('---\n'));
    expect(applied.match(/ created$/gm)).toHaveLength(definitions.length);
    const names = definitions.map((crd) => `crd/${crd.metadata.name}`);
    await kubectl('wait', '--for=condition=established', '--timeout=10s', ...names);
    const resources = await kubectl('api-resources', '-o', 'name');
    for (const crd of definitions) expect(resources).toContain(crd.metadata.name);
    expect(await kubectl('explain', 'flashjob.spec.firmware')).toContain('OCI reference of the firmware.');
    const again = await apply('crds.yaml', definitions.map((crd) => stringify(crd)).join('---\n'));
    expect(again.match(/ unchanged$/gm)).toHaveLength(definitions.length);
  });

  test('the manifest that users have is applied as it is, and seen in columns', async () => {
    expect(await apply('job.yaml', MANIFEST)).toBe(
      'flashjob.application.flashjob.nbfc.io/flashjob created\n',
    );
    expect(await apply('job.yaml', MANIFEST)).toMatch(/unchanged/);
    await cluster
      .api()
      .patch(
        FLASH_JOB,
        { namespace: 'default', name: 'flashjob' },
        { type: 'merge', body: { status: { phase: 'InProgress', counts: { confirmed: 1, pending: 1 } } } },
        { subresource: 'status' },
      );
    const [head, row] = lines(await kubectl('get', 'fj'));
    expect(head?.map((cell) => cell.trim())).toEqual([
      'NAME',
      'FIRMWARE',
      'PHASE',
      'CONFIRMED',
      'PENDING',
      'AGE',
    ]);
    expect(row?.slice(0, 5)).toEqual([
      'flashjob',
      'registry.local/nubificus/esp32:2.0.0',
      'InProgress',
      '1',
      '1',
    ]);
    expect(row?.[5]).toMatch(/^\d+s$/);
  });

  test('what breaks the schema is refused with the field that does', async () => {
    const broken = MANIFEST.replace(/uuid: .*/, 'uuid: []').replace('name: flashjob', 'name: broken');
    await expect(apply('broken.yaml', broken)).rejects.toThrow(
      /spec\.uuid: Invalid value: 0: spec\.uuid in body should have at least 1 items/,
    );
    const misspelt = MANIFEST.replace('firmware:', 'firmwear:').replace('name: flashjob', 'name: misspelt');
    await expect(apply('misspelt.yaml', misspelt)).rejects.toThrow(/unknown field "spec\.firmwear"/);
  });

  test('labels, annotations and patches of each kind change an object', async () => {
    await kubectl('label', 'fj', 'flashjob', 'tier=gold');
    await kubectl('annotate', 'fj', 'flashjob', 'note=careful');
    await kubectl('patch', 'fj', 'flashjob', '--type=merge', '-p', '{"spec":{"parallelism":2}}');
    await kubectl(
      'patch',
      'fj',
      'flashjob',
      '--type=json',
      '-p',
      '[{"op":"replace","path":"/spec/parallelism","value":3}]',
    );
    expect(await kubectl('get', 'fj', '-l', 'tier=gold', '-o', 'jsonpath={.items[*].spec.parallelism}')).toBe(
      '3',
    );
    expect(await kubectl('get', 'fj', '-l', 'tier=tin', '-o', 'name')).toBe('');
  });

  test('diff shows what an apply would change, and changes nothing', async () => {
    const path = join(folder, 'next.yaml');
    await writeFile(path, MANIFEST.replace('esp32:2.0.0', 'esp32:2.0.1'));
    await expect(kubectl('diff', '-f', path)).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringContaining('+  firmware: registry.local/nubificus/esp32:2.0.1'),
    });
    expect(await kubectl('get', 'fj', 'flashjob', '-o', 'jsonpath={.spec.firmware}')).toMatch(/2\.0\.0$/);
  });

  test('a condition is waited for while it is still to come', async () => {
    const waiting = kubectl('wait', '--for=condition=Complete', 'fj/flashjob', '--timeout=20s');
    const condition = {
      type: 'Complete',
      status: 'True',
      reason: 'AllConfirmed',
      message: 'every device runs the firmware',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    await cluster
      .api()
      .patch(
        FLASH_JOB,
        { namespace: 'default', name: 'flashjob' },
        { type: 'merge', body: { status: { phase: 'Completed', conditions: [condition] } } },
        { subresource: 'status' },
      );
    expect(await waiting).toMatch(/condition met/);
  });

  test('describe shows an object with its events', async () => {
    const { metadata } = await cluster.api().get(FLASH_JOB, { namespace: 'default', name: 'flashjob' });
    await apply(
      'event.yaml',
      stringify({
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: 'flashjob.1', namespace: 'default' },
        type: 'Normal',
        reason: 'DeviceConfirmed',
        message: 'one device runs the firmware',
        involvedObject: {
          apiVersion: FLASH_JOB.apiVersion,
          kind: 'FlashJob',
          name: 'flashjob',
          namespace: 'default',
          uid: metadata.uid,
        },
        source: { component: 'flashjob-controller' },
        count: 1,
        firstTimestamp: metadata.creationTimestamp,
        lastTimestamp: metadata.creationTimestamp,
      }),
    );
    const described = await kubectl('describe', 'fj', 'flashjob');
    expect(described).toMatch(/Firmware:\s+registry\.local\/nubificus\/esp32:2\.0\.0/);
    expect(described).toMatch(/DeviceConfirmed.*one device runs the firmware/);
    expect(await kubectl('events', '--for', 'flashjob/flashjob')).toMatch(/DeviceConfirmed/);
  });

  test('deletion waits for the finalizer, and a watch sees it through', async () => {
    await kubectl(
      'patch',
      'fj',
      'flashjob',
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":["x.dev/hold"]}}',
    );
    const deleting = kubectl('delete', 'fj', 'flashjob', '--timeout=20s');
    const marked = async (): Promise<boolean> =>
      (await kubectl('get', 'fj', 'flashjob', '-o', 'jsonpath={.metadata.deletionTimestamp}')) !== '';
    for (let tries = 0; !(await marked()); tries++) expect(tries).toBeLessThan(100);
    const waiting = kubectl('wait', '--for=delete', 'fj/flashjob', '--timeout=20s');
    await kubectl(
      'patch',
      'fj',
      'flashjob',
      '--type=json',
      '-p',
      '[{"op":"remove","path":"/metadata/finalizers"}]',
    );
    await Promise.all([deleting, waiting]);
    expect(await kubectl('get', 'fj', '-o', 'name')).toBe('');
  });

  test('core kinds are applied, changed item by item, and run', async () => {
    const manifest = (image: string, port: number): string =>
      `apiVersion: v1
kind: Pod
metadata: { name: runner, labels: { app: runner } }
spec:
  restartPolicy: Never
  containers: [{ name: main, image: "${image}", env: [{ name: A, value: "1" }] }]
---
apiVersion: v1
kind: Service
metadata: { name: door }
spec: { type: LoadBalancer, selector: { app: runner }, ports: [{ name: tls, port: ${port} }] }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { port: "${port}" }
`;
    await apply('core.yaml', manifest('unknown:1', 4433));
    const again = await apply('core.yaml', manifest('unknown:2', 4434));
    expect(again.match(/ configured$/gm)).toHaveLength(3);
    expect(await kubectl('get', 'svc', 'door', '-o', 'jsonpath={.spec.ports[*].port}')).toBe('4434');
    expect(lines(await kubectl('get', 'pods'))[1]?.slice(0, 4)).toEqual([
      'runner',
      '0/1',
      'ErrImagePull',
      '0',
    ]);
    expect(await kubectl('describe', 'pod', 'runner')).toMatch(/State:\s+Waiting\s+Reason:\s+ErrImagePull/);
    for (const ask of [
      ['logs', 'runner'],
      ['exec', 'runner', '--', 'ls'],
    ])
      await expect(kubectl(...ask)).rejects.toThrow(/the embedded cluster runs no process/);
    await kubectl('delete', 'pod', 'runner', '--timeout=20s');
    await apply('core.yaml', manifest('agent:1', 4434));
    await kubectl('wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/runner', '--timeout=20s');
    expect(lines(await kubectl('get', 'pods'))[1]?.slice(0, 3)).toEqual(['runner', '0/1', 'Completed']);
    await kubectl('delete', '-f', join(folder, 'core.yaml'), '--timeout=20s');
  });

  test('a kind that nobody serves is named as such', async () => {
    await expect(
      apply('gadget.yaml', 'apiVersion: x/v1\nkind: Gadget\nmetadata: { name: a }\n'),
    ).rejects.toThrow(/no matches for kind "Gadget" in version "x\/v1"/);
  });

  test('server-side apply names who owns what, and takes it by force', async () => {
    const mine = (size: string): string =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: owned }\ndata: { size: "${size}" }\n`;
    await apply('owned.yaml', mine('1'), '--server-side', '--field-manager=one');
    await expect(apply('owned.yaml', mine('2'), '--server-side', '--field-manager=two')).rejects.toThrow(
      /conflict with "one".*\.data\.size/s,
    );
    await apply('owned.yaml', mine('2'), '--server-side', '--field-manager=two', '--force-conflicts');
    expect(await kubectl('get', 'cm', 'owned', '-o', 'jsonpath={.data.size}')).toBe('2');
  });

  test('a namespace goes with what is in it', async () => {
    await apply('ns.yaml', 'apiVersion: v1\nkind: Namespace\nmetadata: { name: shed }\n');
    await apply('inside.yaml', MANIFEST.replace('namespace: default', 'namespace: shed'));
    await kubectl('delete', 'namespace', 'shed', '--timeout=20s');
    expect(await kubectl('get', 'ns', '-o', 'name')).not.toContain('shed');
    expect(await kubectl('get', 'fj', '-A', '-o', 'name')).toBe('');
  });
});
