import { describe, expect, test } from 'vitest';
import { DEVICE } from '../../../src/kube/device.ts';
import { FIRMWARE_ROLLOUT } from '../../../src/kube/firmware-rollout.ts';
import { FLASH_JOB, JOB_LABEL } from '../../../src/kube/flash-job.ts';
import { play } from '../play.ts';
import type { ScriptedWorld } from '../scripted-world.ts';

const rollout = (gate: string): string => `apiVersion: fleet.brickproof.dev/v1alpha1
kind: FirmwareRollout
metadata: { name: thermo-2 }
spec:
  selector: { matchLabels: { site: athens } }
  firmware: registry.local/thermo:2.0.0
  waves: [{ percent: 20 }, { percent: 100 }]
  gate: { ${gate} }
`;

const minute = 60_000;
const update = (world: ScriptedWorld, ...boards: number[]): void => {
  for (const board of boards) world.update(`hut-${String(board).padStart(3, '0')}`, 'thermo:2.0.0');
};

async function refuse(world: ScriptedWorld, board: string): Promise<void> {
  await world.kube.create(FLASH_JOB, {
    apiVersion: FLASH_JOB.apiVersion,
    kind: FLASH_JOB.kind,
    metadata: { namespace: 'default', name: 'wave-1', labels: { [JOB_LABEL.rollout]: 'thermo-2' } },
    spec: { uuid: [world.board(board).deviceId], firmware: 'registry.local/thermo:2.0.0', version: '2.0.0' },
    status: { phase: 'Completed' },
  });
  const update = { jobNamespace: 'default', jobName: 'wave-1', phase: 'Settled', outcome: 'refused' };
  await world.patchDevice(board, { status: { update } });
}

async function judged(gate: string, script: (world: ScriptedWorld) => void) {
  const steps = '  - apply: rollout.yaml\n  - { at: 2h, expect: { boards: { group: hut }, count: 100% } }';
  const files = { 'rollout.yaml': rollout(gate) };
  const { result } = await play({ steps, properties: 'always: [canary-gate-holds]', files }, (world) => {
    script(world);
    // The story needs a verdict on its rollout to come to rest.
    world.at(90 * minute, async () => {
      const key = { namespace: 'default', name: 'thermo-2' };
      await world.kube.patch(FIRMWARE_ROLLOUT, key, { body: { status: { phase: 'Completed' } } });
    });
  });
  return result.properties.find((property) => property.name === 'canary-gate-holds');
}

describe('a wave of two of ten boards, then the rest', () => {
  test('the third board after two confirmations and the bake time is fine', async () => {
    const found = await judged('minSamples: 2, minSuccessPercent: 90, bakeTime: 10m', (world) => {
      world
        .at(minute, () => update(world, 1, 2))
        .at(12 * minute, () => update(world, 3, 4, 5, 6, 7, 8, 9, 10));
    });
    expect(found).toMatchObject({ verdict: 'passed', sightings: 0 });
  });

  test('the third board before the bake time is over breaks it', async () => {
    const found = await judged('bakeTime: 10m', (world) => {
      world.at(minute, () => update(world, 1, 2)).at(5 * minute, () => update(world, 3));
    });
    expect(found?.verdict).toBe('failed');
    expect(found?.first[0]?.message).toBe(
      'hut-003 begins thermo-2 as board 3 of 10, but wave 1 (20%) was watched for 4m 00s, and its gate asks for 10m 00s',
    );
  });

  test('the third board while the second has no verdict breaks it', async () => {
    const found = await judged('minSamples: 1', (world) => {
      world
        .at(minute, () => update(world, 1))
        .at(minute, () => {
          const digest = world.digest('hut-002', 'thermo:2.0.0');
          world.tell({ kind: 'write-begin', board: 'hut-002', session: 's', digest, offsetBytes: 0 });
        })
        .at(20 * minute, () => update(world, 3));
    });
    expect(found?.first[0]?.message).toContain('has 1 of 2 boards without a verdict');
  });

  test('the third board after a rollback that the gate does not forgive breaks it', async () => {
    const found = await judged('minSuccessPercent: 90', (world) => {
      world
        .at(minute, () => update(world, 1))
        .at(minute, () => {
          const digest = world.digest('hut-002', 'thermo:2.0.0');
          world.tell({ kind: 'write-begin', board: 'hut-002', session: 's', digest, offsetBytes: 0 });
        })
        .at(2 * minute, () => world.boot('hut-002', { rolledBack: true }))
        .at(20 * minute, () => update(world, 3));
    });
    expect(found?.first[0]?.message).toContain('has 1 of 2 boards confirmed, and its gate asks for 90%');
  });

  test('a refused device has had its turn, and the wave behind it may begin', async () => {
    const found = await judged('minSamples: 2, minSuccessPercent: 100, bakeTime: 10m', (world) => {
      world
        .at(minute, () => update(world, 1))
        .at(2 * minute, () => refuse(world, 'hut-002'))
        // Were the refusal not counted, the third board would be the second of the first wave.
        .at(15 * minute, () => update(world, 3, 4));
    });
    expect(found).toMatchObject({ verdict: 'passed', sightings: 0 });
  });

  test('an enrolled board that lies is one of the fleet, and has its turn when it is refused', async () => {
    const found = await judged('minSamples: 2, minSuccessPercent: 100, bakeTime: 10m', (world) => {
      const { deviceId } = world.board('liar-001');
      world
        .at(0, async () => {
          await world.kube.create(DEVICE, {
            apiVersion: DEVICE.apiVersion,
            kind: DEVICE.kind,
            metadata: { namespace: 'default', name: deviceId, labels: { site: 'athens' } },
            spec: { ueid: `01${deviceId.replaceAll('-', '')}` },
          });
        })
        .at(minute, () => update(world, 1, 2))
        .at(2 * minute, () => refuse(world, 'liar-001'))
        // The first wave holds three of eleven.
        .at(15 * minute, () => update(world, 3, 4));
    });
    expect(found).toMatchObject({ verdict: 'passed', sightings: 0 });
  });

  test('writes of other firmware are not the rollout', async () => {
    const found = await judged('bakeTime: 10m', (world) => {
      world.at(minute, () => {
        for (const board of ['hut-001', 'hut-002', 'hut-003']) world.update(board, 'classifier:1.0.0');
      });
    });
    expect(found?.verdict).toBe('passed');
  });
});
