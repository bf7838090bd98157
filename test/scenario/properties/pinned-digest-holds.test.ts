import { describe, expect, test } from 'vitest';
import { FLASH_JOB } from '../../../src/kube/flash-job.ts';
import { judge } from '../play.ts';
import { indexOf, type ScriptedWorld } from '../scripted-world.ts';

const KEY = { namespace: 'default', name: 'update' };
const NEW = 'thermo:2.0.0';

/** A job that asks for 2.0.0 and has pinned it. */
async function pin(world: ScriptedWorld): Promise<void> {
  await world.kube.create(FLASH_JOB, {
    apiVersion: FLASH_JOB.apiVersion,
    kind: FLASH_JOB.kind,
    metadata: KEY,
    spec: { uuid: ['a'], firmware: `registry.local/${NEW}`, version: '2.0.0' },
    status: { firmware: { reference: `registry.local/${NEW}`, digest: indexOf(NEW) } },
  });
}

/** The twin of hut-001 says how its update stands. */
async function say(world: ScriptedWorld, phase: string, outcome?: string, message = ''): Promise<void> {
  const { metadata } = await world.kube.get(FLASH_JOB, KEY);
  const job = { jobNamespace: 'default', jobName: 'update', jobUid: metadata.uid, order: 'o' };
  const update = { ...job, digest: '', attempts: 1, startedAt: '2026-01-01T00:00:00Z', phase };
  await world.patchDevice('hut-001', {
    status: { update: { ...update, ...(outcome === undefined ? {} : { outcome, message }) } },
  });
}

/** Plays an update of hut-001 that ends as `end` has it. */
const told = (end: (world: ScriptedWorld) => void | Promise<void>) =>
  judge('pinned-digest-holds', 'always', (world) => {
    world
      .at(1_000, () => pin(world))
      .at(2_000, () => say(world, 'Claimed'))
      .at(3_000, () => end(world));
  });

describe('holds when', () => {
  test('a confirmed update runs what was pinned', async () => {
    const { verdict } = await told(async (world) => {
      world.update('hut-001', NEW);
      await say(world, 'Settled', 'confirmed');
    });
    expect(verdict).toBe('passed');
  });

  test('a refused one says why, and the board runs what it had', async () => {
    const { verdict } = await told((world) =>
      say(world, 'Settled', 'bad-image', 'wrong-signer at signature'),
    );
    expect(verdict).toBe('passed');
  });

  test('one that nobody could see through left the board on what was pinned', async () => {
    const { verdict } = await told(async (world) => {
      world.run('hut-001', NEW);
      await say(world, 'Settled', 'unconfirmed', 'it never confirmed itself');
    });
    expect(verdict).toBe('passed');
  });
});

describe('is broken by', () => {
  test.each<[string, RegExp, (world: ScriptedWorld) => void | Promise<void>]>([
    [
      'a confirmed update of a board that runs the old image',
      /^hut-001 ended update confirmed, and runs sha256:thermo:1\.0\.0/,
      (world) => say(world, 'Settled', 'confirmed'),
    ],
    [
      'a confirmed update of a board that runs what another tag means',
      /runs sha256:classifier:1\.0\.0.*; the job pinned sha256:thermo:2\.0\.0$/,
      async (world) => {
        world.update('hut-001', 'classifier:1.0.0');
        await say(world, 'Settled', 'confirmed');
      },
    ],
    [
      'a confirmed update of a board on probation',
      /^hut-001 ended update confirmed/,
      async (world) => {
        world.run('hut-001', NEW);
        await say(world, 'Settled', 'confirmed');
      },
    ],
    [
      'an outcome without a reason',
      /ended update bad-image, and nothing says why$/,
      (world) => say(world, 'Settled', 'bad-image'),
    ],
    [
      'a refused update of a board that runs something else now',
      /ended update bad-image, and runs sha256:classifier.*; it had sha256:thermo:1\.0\.0/,
      async (world) => {
        world.run('hut-001', 'classifier:1.0.0');
        await say(world, 'Settled', 'bad-image', 'digest-mismatch at layer');
      },
    ],
    [
      'a job that pins anew what its reference means',
      /^job update had pinned sha256:thermo:2\.0\.0, and now says sha256:thermo:1\.0\.0$/,
      async (world) => {
        const firmware = { reference: `registry.local/${NEW}`, digest: indexOf('thermo:1.0.0') };
        await world.kube.patch(FLASH_JOB, KEY, { body: { status: { firmware } } });
      },
    ],
  ])('%s', async (_, message, end) => {
    const { verdict, exitCode, first } = await told(end);
    expect({ verdict, exitCode }).toEqual({ verdict: 'failed', exitCode: 1 });
    expect(first[0]?.message).toMatch(message);
  });
});
