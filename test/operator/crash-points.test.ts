import { expect, test } from 'vitest';
import type { Intercept } from '../../sim/cluster/in-process.ts';
import { KubeError } from '../../src/kube/error.ts';
import { boards, firmware, Rig } from './rig.ts';

const MINUTE = 60_000;
const IMAGES = [
  firmware('thermo:1.0.0'),
  firmware('thermo:2.0.0', { kind: 'crash', afterMs: 2_000 }, { chip: 'esp32s3' }),
];

/** What one run of the story came to; equal for every crash. */
interface End {
  readonly versions: readonly string[];
  readonly phase: string | undefined;
  readonly reverted: string | undefined;
  readonly busyOffers: number;
}

/** The story: a rollout that fails at its canary and is reverted. The process dies at its `crashAt`-th write. */
async function tell(
  user: string,
  crashAt: number,
  when: 'before' | 'after',
): Promise<{ end: End; writes: number }> {
  let writes = 0;
  const intercept: Intercept = (verb, _kind, _key, who) => {
    if (who !== user || verb === 'get' || verb === 'list' || verb === 'watch') return undefined;
    writes += 1;
    if (writes !== crashAt) return undefined;
    if (user === 'flash-agent') rig.crashAgent();
    else {
      rig.crashOperator();
      rig.clock.after(3_000, () => rig.startOperator());
    }
    return when === 'after' ? undefined : { error: new KubeError('Unreachable', 'the process is dead') };
  };
  const rig: Rig = new Rig({ boards: boards(4), firmware: IMAGES, intercept });
  await rig.start();
  await rig.until('all are attested', () => rig.allAttested(), 10 * MINUTE);
  await rig.createRollout('thermo', {
    selector: { matchLabels: { site: 'athens' } },
    firmware: 'registry.local/thermo:2.0.0',
    waves: [{ percent: 50 }, { percent: 100 }],
    gate: { minSuccessPercent: 100, bakeTime: '1m' },
    failurePolicy: { action: 'revert', revertTo: 'registry.local/thermo:1.0.0' },
  });
  await rig.until(
    'the rollout is over',
    async () => (await rig.rollout('thermo')).status?.completionTime !== undefined,
    120 * MINUTE,
  );
  const { status } = await rig.rollout('thermo');
  await rig.stop();
  return {
    writes,
    end: {
      versions: rig.boards.map(({ version }) => version),
      phase: status?.phase,
      reverted: status?.conditions?.find(({ type }) => type === 'Reverted')?.status,
      busyOffers: rig.events.filter((event) => event.kind === 'offer' && event.busy).length,
    },
  };
}

const GOOD_END: End = {
  versions: Array.from({ length: 4 }, () => '1.0.0'),
  phase: 'Aborted',
  reverted: 'True',
  busyOffers: 0,
};

for (const user of ['brickproof-operator', 'flash-agent'])
  for (const when of ['before', 'after'] as const)
    test(`${user} may die ${when} any of its writes`, async () => {
      const { end, writes } = await tell(user, 0, when);
      expect(end).toEqual(GOOD_END);
      expect(writes).toBeGreaterThan(5);
      for (let crashAt = 1; crashAt <= writes; crashAt++) {
        const crashed = await tell(user, crashAt, when);
        expect(crashed.end, `crash ${when} write ${crashAt}`).toEqual(GOOD_END);
      }
    });
