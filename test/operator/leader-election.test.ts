import { expect, test } from 'vitest';
import { runAsLeader } from '../../operator/runtime/leader-election.ts';
import type { Intercept } from '../../sim/cluster/in-process.ts';
import { LEASE } from '../../src/kube/core.ts';
import { KubeError } from '../../src/kube/error.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { ClusterInTest } from '../cluster/cluster-in-test.ts';

/** Candidates for one Lease, and who led when. */
class Candidates {
  readonly away = new Set<string>();
  readonly world: ClusterInTest;
  readonly leading = new Set<string>();
  readonly story: string[] = [];
  most = 0;

  constructor() {
    const intercept: Intercept = (_verb, _kind, _key, user) =>
      this.away.has(user) ? { error: new KubeError('Unreachable', 'no route') } : undefined;
    this.world = new ClusterInTest({ intercept });
  }

  run(identity: string): AbortController {
    const { clock, cluster } = this.world;
    const ending = new AbortController();
    const ports = { kube: cluster.api(identity), clock, random: SeededRandom.ofSeed(3) };
    const election = { namespace: 'default', name: 'operator', identity };
    const lead = async (signal: AbortSignal): Promise<void> => {
      this.leading.add(identity);
      this.most = Math.max(this.most, this.leading.size);
      this.story.push(`${identity} leads`);
      await new Promise<void>((settle) => signal.addEventListener('abort', () => settle()));
      this.leading.delete(identity);
      this.story.push(`${identity} stops`);
    };
    void runAsLeader(ports, election, lead, ending.signal);
    return ending;
  }
}

test('one leads, and another takes over at once when it leaves', async () => {
  const candidates = new Candidates();
  const first = candidates.run('a');
  await candidates.world.pass(100);
  candidates.run('b');
  await candidates.world.pass(120_000);
  expect(candidates.story).toEqual(['a leads']);
  first.abort();
  await candidates.world.pass(5_000);
  expect(candidates.story).toEqual(['a leads', 'a stops', 'b leads']);
  const lease = await candidates.world.api.get(LEASE, { namespace: 'default', name: 'operator' });
  expect(lease.spec).toMatchObject({ holderIdentity: 'b', leaseDurationSeconds: 15, leaseTransitions: 1 });
});

test('a leader that is cut off stops before another begins', async () => {
  const candidates = new Candidates();
  candidates.run('a');
  await candidates.world.pass(1_000);
  candidates.run('b');
  await candidates.world.pass(10_000);
  candidates.away.add('a');
  await candidates.world.pass(60_000);
  expect(candidates.story).toEqual(['a leads', 'a stops', 'b leads']);
  expect(candidates.most).toBe(1);
});
