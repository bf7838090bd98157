import { expect, test } from 'vitest';
import { FIRMWARE_ROLLOUT } from '../../../src/kube/firmware-rollout.ts';
import { SOMETIMES_NAMES } from '../../../src/scenario/properties/names.ts';
import { judge } from '../play.ts';
import type { ScriptedWorld } from '../scripted-world.ts';

const rolloutTurns = (status: object) => (world: ScriptedWorld) => {
  world.at(1000, async () => {
    await world.kube.create(FIRMWARE_ROLLOUT, {
      apiVersion: FIRMWARE_ROLLOUT.apiVersion,
      kind: FIRMWARE_ROLLOUT.kind,
      metadata: { namespace: 'default', name: 'r' },
      spec: { selector: {}, firmware: 'registry.local/thermo:2.0.0', waves: [{ percent: 100 }] },
      status: { phase: 'Progressing', waves: [{ gate: 'Open' }] },
    } as never);
  });
  world.at(2000, async () => {
    await world.kube.patch(FIRMWARE_ROLLOUT, { namespace: 'default', name: 'r' }, { body: { status } });
  });
};

const impostor = (world: ScriptedWorld, victim: string): Promise<unknown> =>
  world.patchDevice(victim, {
    status: {
      impostors: [{ instance: 'i-x', station: 'x', code: 'bad-signature', message: 'no', since: '' }],
    },
  });

/** What makes each of them seen. */
const SCRIPTS: Readonly<Record<(typeof SOMETIMES_NAMES)[number], (world: ScriptedWorld) => void>> = {
  'a-board-rolled-back': (world) => world.at(1000, () => world.boot('hut-001', { rolledBack: true })),
  'a-board-was-repurposed': (world) => world.at(1000, () => world.update('hut-001', 'classifier:1.0.0')),
  'a-download-resumed': (world) =>
    world.at(1000, () =>
      world.tell({ kind: 'write-begin', board: 'hut-001', session: 's', digest: 'd', offsetBytes: 4096 }),
    ),
  'a-delta-was-applied': (world) => {
    const session = { board: 'hut-001', session: 's', digest: 'd' };
    return world
      .at(1000, () => world.tell({ kind: 'write-begin', ...session, offsetBytes: 0, deltaFrom: 'c' }))
      .at(2000, () => world.tell({ kind: 'write-end', ...session, result: 'written' }));
  },
  'a-transfer-was-interrupted': (world) =>
    world.at(1000, () =>
      world.tell({ kind: 'write-end', board: 'hut-001', session: 's', digest: 'd', result: 'abandoned' }),
    ),
  'a-clone-was-refused': (world) => {
    const victim = world.boards.find((board) => board.name === 'fake-001')?.deviceId;
    const original = world.boards.find((board) => board.identity === 'genuine' && board.deviceId === victim);
    world.at(1000, () => impostor(world, original?.name ?? '').then(() => {}));
  },
  'a-forgery-was-refused': (world) =>
    world
      .at(1000, () => world.tell({ kind: 'fault', fault: 'forged-evidence', on: true, boards: ['hut-001'] }))
      .at(2000, () => impostor(world, 'hut-001').then(() => {})),
  'a-replay-was-refused': (world) =>
    world
      .at(1000, () =>
        world.tell({ kind: 'fault', fault: 'replayed-evidence', on: true, boards: ['hut-001'] }),
      )
      .at(2000, () =>
        world
          .patchDevice('hut-001', {
            status: { conditions: [{ type: 'Attested', status: 'False', message: 'old nonce' }] },
          })
          .then(() => {}),
      ),
  'a-gate-passed': rolloutTurns({ waves: [{ gate: 'Passed' }] }),
  'a-rollout-aborted': rolloutTurns({ phase: 'Aborted' }),
  'a-rollout-reverted': rolloutTurns({ conditions: [{ type: 'Reverted', status: 'True' }] }),
  'a-rollout-completed': rolloutTurns({ phase: 'Completed' }),
};

for (const name of SOMETIMES_NAMES) {
  test(`${name} is seen when it happens`, async () => {
    const judged = await judge(name, 'sometimes', SCRIPTS[name]);
    expect(judged).toMatchObject({ verdict: 'passed', sightings: 1 });
  });

  test(`${name} fails with exit code 4 when it never happens`, async () => {
    const judged = await judge(name, 'sometimes', () => {});
    expect(judged).toMatchObject({ verdict: 'failed', sightings: 0, exitCode: 4 });
  });
}

test('a genuine board whose evidence is turned away is nobody else', async () => {
  const judged = await judge('a-forgery-was-refused', 'sometimes', (world) => {
    world.at(1000, () => impostor(world, 'hut-005').then(() => {}));
  });
  expect(judged.verdict).toBe('failed');
});
