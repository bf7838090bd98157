import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EmbeddedCluster } from '../../sim/cluster/embedded-cluster.ts';
import { HttpDoor } from '../../sim/cluster/http/http-door.ts';
import { writeKubeconfig } from '../../sim/cluster/http/http-kubeconfig.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { WallClock } from '../cluster/wall-clock.ts';

const run = promisify(execFile);

describe('kubectl create, which sends protobuf, against the embedded cluster', () => {
  const cluster = new EmbeddedCluster({ clock: new WallClock(), random: SeededRandom.ofSeed(1) });
  const door = new HttpDoor(cluster);
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubectl-'));
    await writeKubeconfig(join(folder, 'kubeconfig'), await door.listen());
    await kubectl('create', 'namespace', 'x');
  });
  afterAll(async () => {
    await door.close();
    await rm(folder, { recursive: true });
  });

  async function kubectl(...args: readonly string[]): Promise<string> {
    const env = { ...process.env, KUBECONFIG: join(folder, 'kubeconfig'), HOME: folder };
    return (await run('kubectl', [...args], { env })).stdout;
  }
  const inX = (...args: readonly string[]): Promise<string> => kubectl('create', '--namespace=x', ...args);

  test.each([
    ['configmap', ['configmap', 'it', '--from-literal=a=b'], '{.data.a}', 'b'],
    ['secret', ['secret', 'generic', 'it', '--from-literal=a=b'], '{.data.a}', 'Yg=='],
    ['serviceaccount', ['serviceaccount', 'it'], '{.metadata.name}', 'it'],
    ['deployment', ['deployment', 'it', '--image=i', '--replicas=2'], '{.spec.replicas}', '2'],
    ['job', ['job', 'it', '--image=i'], '{.spec.template.spec.containers[0].image}', 'i'],
    ['cronjob', ['cronjob', 'it', '--image=i', '--schedule=*/5 * * * *'], '{.spec.schedule}', '*/5 * * * *'],
    ['role', ['role', 'it', '--verb=get', '--resource=pods'], '{.rules[0].resources[0]}', 'pods'],
    ['rolebinding', ['rolebinding', 'it', '--role=it', '--user=u'], '{.subjects[0].name}', 'u'],
    ['clusterrole', ['clusterrole', 'it', '--verb=get', '--resource=nodes'], '{.rules[0].verbs[0]}', 'get'],
    ['service', ['service', 'clusterip', 'it', '--tcp=80:8080'], '{.spec.ports[0].targetPort}', '8080'],
  ])('%s', async (kind, args, path, expected) => {
    expect(await inX(...args)).toMatch(/ created\n$/);
    expect(await kubectl('get', kind, 'it', '--namespace=x', '-o', `jsonpath=${path}`)).toBe(expected);
  });
});
