import { describe, expect, test } from 'vitest';
import { judge } from '../play.ts';
import type { ScriptedWorld } from '../scripted-world.ts';

const healthyUpdate = (world: ScriptedWorld): void => {
  world.at(60_000, () => world.update('hut-001', 'thermo:2.0.0'));
};

describe('a healthy update breaks no property', () => {
  for (const property of [
    'every-board-bootable',
    'only-verified-images-run',
    'only-attested-devices-flashed',
    'pinned-digest-holds',
    'one-flash-at-a-time',
    'canary-gate-holds',
    'twins-survive',
  ])
    test(property, async () => {
      const { verdict, sightings } = await judge(property, 'always', healthyUpdate);
      expect({ verdict, sightings }).toEqual({ verdict: 'passed', sightings: 0 });
    });
});

/** Plays a script and expects the property to be broken, with exit code 1, at that board. */
async function expectBroken(property: string, board: string, script: (world: ScriptedWorld) => void) {
  const judged = await judge(property, 'always', script);
  expect(judged).toMatchObject({ verdict: 'failed', exitCode: 1 });
  expect(judged.first[0]?.board).toBe(board);
  return judged.first[0];
}

describe('every-board-bootable', () => {
  test('a board that finds nothing to boot breaks it', async () => {
    const seen = await expectBroken('every-board-bootable', 'hut-003', (world) => {
      world.at(90_000, () => world.boot('hut-003', { brick: true }));
    });
    expect(seen).toMatchObject({
      atMs: 90_000,
      message: 'hut-003 has nothing left to boot (reset: software)',
    });
  });
});

describe('only-verified-images-run', () => {
  test('an image that the scenario never packed breaks it', async () => {
    await expectBroken('only-verified-images-run', 'hut-001', (world) => {
      world.at(1000, () => world.boot('hut-001', { digest: 'sha256:stranger' }));
    });
  });

  test('an image packed for another chip breaks it', async () => {
    await expectBroken('only-verified-images-run', 'hut-001', (world) => {
      world.board('hut-001').chip = 'esp32c3';
      world.at(1000, () => world.boot('hut-001', {}));
    });
  });
});

describe('only-attested-devices-flashed', () => {
  const write = (world: ScriptedWorld, board: string): void =>
    world.tell({
      kind: 'write-begin',
      board,
      session: 's',
      digest: world.digest(board, 'thermo:2.0.0'),
      offsetBytes: 0,
    });
  const evidence = (world: ScriptedWorld, board: string): void =>
    world.tell({ kind: 'evidence', board, session: 's' });

  for (const impostor of ['fake-001', 'liar-001'])
    test(`a write to ${impostor} breaks it, evidence or not`, async () => {
      await expectBroken('only-attested-devices-flashed', impostor, (world) => {
        world.at(1000, () => evidence(world, impostor)).at(2000, () => write(world, impostor));
      });
    });

  test('a write to a genuine board that has proved nothing breaks it', async () => {
    await expectBroken('only-attested-devices-flashed', 'hut-001', (world) => {
      world.at(1000, () => write(world, 'hut-001'));
    });
  });

  test('evidence from before the last boot does not count', async () => {
    await expectBroken('only-attested-devices-flashed', 'hut-001', (world) => {
      world
        .at(1000, () => evidence(world, 'hut-001'))
        .at(2000, () => world.boot('hut-001', {}))
        .at(3000, () => write(world, 'hut-001'));
    });
  });

  test('evidence under a forging fault does not count, and counts again after it', async () => {
    const fault = (world: ScriptedWorld, on: boolean): void =>
      world.tell({ kind: 'fault', fault: 'forged-evidence', on, boards: ['hut-001'] });
    await expectBroken('only-attested-devices-flashed', 'hut-001', (world) => {
      world
        .at(1000, () => fault(world, true))
        .at(2000, () => evidence(world, 'hut-001'))
        .at(3000, () => write(world, 'hut-001'));
    });
    const after = await judge('only-attested-devices-flashed', 'always', (world) => {
      world
        .at(1000, () => fault(world, true))
        .at(2000, () => fault(world, false))
        .at(3000, () => evidence(world, 'hut-001'))
        .at(4000, () => write(world, 'hut-001'));
    });
    expect(after.verdict).toBe('passed');
  });
});

describe('one-flash-at-a-time', () => {
  const begin = (world: ScriptedWorld, session: string, offsetBytes = 0): void =>
    world.tell({
      kind: 'write-begin',
      board: 'hut-001',
      session,
      digest: world.digest('hut-001', 'thermo:2.0.0'),
      offsetBytes,
    });

  test('an offer to a busy board breaks it', async () => {
    await expectBroken('one-flash-at-a-time', 'hut-001', (world) => {
      const digest = world.digest('hut-001', 'thermo:2.0.0');
      world.at(1000, () => world.tell({ kind: 'offer', board: 'hut-001', session: 'b', digest, busy: true }));
    });
  });

  test('a second session beside an open one breaks it', async () => {
    await expectBroken('one-flash-at-a-time', 'hut-001', (world) => {
      world.at(1000, () => begin(world, 'a')).at(2000, () => begin(world, 'b'));
    });
  });

  test('a session that a reset cut off is no longer open, and the same one may go on', async () => {
    const judged = await judge('one-flash-at-a-time', 'always', (world) => {
      world
        .at(1000, () => begin(world, 'a'))
        .at(1500, () => begin(world, 'a', 4096))
        .at(2000, () => world.boot('hut-001', {}))
        .at(3000, () => begin(world, 'b', 4096));
    });
    expect(judged.verdict).toBe('passed');
  });

  test('flashing what runs and is confirmed breaks it', async () => {
    await expectBroken('one-flash-at-a-time', 'hut-001', (world) => {
      world
        .at(1000, () => world.update('hut-001', 'thermo:2.0.0'))
        .at(2000, () => world.update('hut-001', 'thermo:2.0.0', 'again'));
    });
  });

  test('flashing what runs on probation does not', async () => {
    const judged = await judge('one-flash-at-a-time', 'always', (world) => {
      world.at(1000, () => world.run('hut-001', 'thermo:2.0.0')).at(2000, () => begin(world, 'a'));
    });
    expect(judged.verdict).toBe('passed');
  });
});

describe('twins-survive', () => {
  test('a deleted twin breaks it', async () => {
    await expectBroken('twins-survive', 'hut-002', (world) => {
      const key = { namespace: 'default', name: world.board('hut-002').deviceId };
      world.at(1000, async () =>
        world.kube.delete((await import('../../../src/kube/device.ts')).DEVICE, key),
      );
    });
  });
});
