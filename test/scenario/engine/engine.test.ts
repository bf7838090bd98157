import { describe, expect, test } from 'vitest';
import { DEVICE } from '../../../src/kube/device.ts';
import { FIRMWARE_ROLLOUT } from '../../../src/kube/firmware-rollout.ts';
import { FLASH_JOB } from '../../../src/kube/flash-job.ts';
import { ScenarioError } from '../../../src/scenario/language/problem.ts';
import { play } from '../play.ts';
import type { ScriptedWorld } from '../scripted-world.ts';

const minute = 60_000;

const ROLLOUT = `apiVersion: fleet.brickproof.dev/v1alpha1
kind: FirmwareRollout
metadata: { name: thermo-2 }
spec: { selector: {}, firmware: "registry.local/thermo:2.0.0", waves: [{ percent: 100 }] }
`;
const JOB = `apiVersion: application.flashjob.nbfc.io/v1alpha1
kind: FlashJob
metadata: { name: flashjob }
spec: { uuid: [a], firmware: "registry.local/classifier:1.0.0", version: 1.0.0 }
`;
const statusOf = (result: Awaited<ReturnType<typeof play>>['result']): string[] =>
  result.steps.map((step) => step.status);

/** Gives a board that lies the twin that enrolment would have given it. */
async function enrolLiar(world: ScriptedWorld, name: string, status: object): Promise<void> {
  const { deviceId } = world.board(name);
  await world.kube.create(DEVICE, {
    apiVersion: DEVICE.apiVersion,
    kind: DEVICE.kind,
    metadata: { namespace: 'default', name: deviceId },
    spec: { ueid: `01${deviceId.replaceAll('-', '')}` },
    status: status as never,
  });
}

describe('steps', () => {
  test('a rollout is applied, waited for by condition, and its end lets the run pass', async () => {
    const { result } = await play(
      {
        steps: `  - apply: rollout.yaml
  - wait: { for: rollout/thermo-2, condition: Aborted, within: 2h }`,
        files: { 'rollout.yaml': ROLLOUT },
      },
      (world) => {
        world.at(5 * minute, async () => {
          const key = { namespace: 'default', name: 'thermo-2' };
          const conditions = [{ type: 'Aborted', status: 'True', reason: 'GateFailed' }];
          await world.kube.patch(FIRMWARE_ROLLOUT, key, {
            body: { status: { phase: 'Aborted', conditions } },
          });
        });
      },
    );
    expect(result).toMatchObject({ outcome: 'passed', exitCode: 0, failure: '' });
    expect(result.steps[1]?.why).toBe('after 5m 00s');
  });

  test('bytes are those of the node that got most, of the content that is meant', async () => {
    const bytesPerNode = (about: string, bound: string): string =>
      `  - expect: { bytes-per-node: { ${about} }, ${bound} }`;
    const { result } = await play(
      {
        steps: [
          bytesPerNode('content: image', 'count: 300B'),
          bytesPerNode('', 'at-most: 320B'),
          bytesPerNode('', 'at-most: 319B'),
        ].join('\n'),
      },
      (world) => {
        world.traffic = [
          { node: 'a', content: 'image', answers: 1, bytes: 200 },
          { node: 'b', content: 'manifest', answers: 2, bytes: 20 },
          { node: 'b', content: 'image', answers: 3, bytes: 300 },
        ];
      },
    );
    expect(statusOf(result)).toEqual(['passed', 'passed', 'failed']);
    expect(result.steps[2]).toMatchObject({
      label: 'expect at most 319 bytes of content from the registry per node',
      why: '320 and not at most 319',
    });
    expect(result.registry).toHaveLength(3);
  });

  test('devices are told apart by what the outcome of their last update says', async () => {
    const says = (message: string, count: number): string =>
      `  - expect: { devices: { outcome: bad-image, message: "${message}" }, count: ${count} }`;
    const { result } = await play(
      { steps: ['  - at: 2m\n    heal: bit-flip', says('at layer', 1), says('at index', 0)].join('\n') },
      (world) => {
        const update = {
          ...{ jobNamespace: 'default', jobName: 'j', jobUid: 'u', order: 'o', digest: '', attempts: 1 },
          ...{ phase: 'Settled', startedAt: '2026-01-01T00:00:00Z', outcome: 'bad-image' },
          message: 'digest-mismatch at layer: the content is not what it should be',
        };
        world.at(minute, () => world.patchDevice('hut-001', { status: { update } }).then(() => {}));
      },
    );
    expect(statusOf(result)).toEqual(['passed', 'passed', 'passed']);
  });

  test('a wait that is not met fails with exit code 3, says what was seen, and skips the rest', async () => {
    const { result } = await play({
      steps: `  - apply: rollout.yaml
  - wait: { for: rollout/thermo-2, phase: Completed, within: 10m }
  - expect: { boards: {}, count: 12 }`,
      files: { 'rollout.yaml': ROLLOUT },
    });
    expect(result).toMatchObject({ exitCode: 3, virtualDurationMs: 10 * minute });
    expect(statusOf(result)).toEqual(['passed', 'failed', 'skipped']);
    expect(result.failure).toBe(
      'step 2, wait for rollout/thermo-2: Completed: not within 10m 00s: it has no status yet',
    );
    expect(result.steps[2]?.why).toBe('step 2 failed');
  });

  test('a step at a time waits for it, and one after another waits from the end of the one before', async () => {
    const { result } = await play({
      steps: `  - { at: 10m, expect: { boards: {}, count: 12 } }
  - { after: 5m, expect: { boards: {}, count: 12 } }
  - { at: 1m, expect: { boards: {}, count: 12 } }`,
    });
    expect(result.steps.map((step) => step.startedAtMs)).toEqual([10 * minute, 15 * minute, 15 * minute]);
    expect(result.steps[2]?.why).toContain('14m 00s later than asked');
  });

  test('expect follows boards, twins and instances until the count is met', async () => {
    const { result } = await play(
      {
        steps: `  - expect: { boards: { runs: "thermo:2.0.0", confirmed: true }, count: 1, within: 1h }
  - expect: { devices: { runs: "thermo:2.0.0" }, at-least: 10%, within: 1h }
  - expect: { instances: { configuration: thermo }, count: 100% }
  - expect: { devices: { group: hut, online: true }, at-most: 9, within: 10s }`,
      },
      (world) => {
        world
          .at(3 * minute, () => world.update('hut-004', 'thermo:2.0.0'))
          .at(4 * minute, () =>
            world.patchDevice('hut-004', { status: { attested: { version: '2.0.0' } } }).then(),
          );
      },
    );
    expect(result.steps.map((step) => step.why)).toEqual([
      '1, after 3m 00s',
      '1, after 1m 00s',
      '10, at once',
      '10 and not at most 9 within 10.0s',
    ]);
    expect(result.exitCode).toBe(3);
  });

  test('boards that lie have twins that only a step that asks for them counts', async () => {
    const { result } = await play(
      {
        steps: `  - expect: { devices: { identity: forged, outcome: refused }, count: 100%, within: 1h }
  - expect: { devices: { outcome: refused }, count: 0 }`,
      },
      (world) => {
        world.at(minute, () => enrolLiar(world, 'liar-001', { update: { outcome: 'refused' } }));
      },
    );
    expect(result.steps.map((step) => step.why)).toEqual(['1, after 1m 00s', '0, at once']);
    expect(result.exitCode).toBe(0);
  });

  test('a fault strikes, heals by itself, and its span is in the result', async () => {
    const { result, world } = await play({
      steps: `  - at: 10m
    inject: { fault: link-degrade, on: { group: hut, count: 3 }, for: 5m, parameters: { latency: 2s, loss: 20% } }
  - { at: 1h, expect: { boards: {}, count: 12 } }`,
    });
    expect(world.injected).toHaveLength(1);
    expect(world.injected[0]).toMatchObject({
      fault: 'link-degrade',
      parameters: { latency: 2000, loss: 0.2 },
    });
    expect(world.injected[0]?.boards).toHaveLength(3);
    expect(world.healed).toEqual(world.injected);
    expect(result.faults).toEqual([
      { fault: 'link-degrade', boards: 3, fromMs: 10 * minute, toMs: 15 * minute },
    ]);
  });

  test('what the world cannot do is skipped with its reason, never passed', async () => {
    const { result } = await play(
      { steps: '  - inject: { fault: power-cut }\n  - { expect: { boards: {}, count: 12 } }' },
      (world) => {
        world.unsupported = new Set(['power-cut']);
      },
    );
    expect(statusOf(result)).toEqual(['skipped', 'passed']);
    expect(result.steps[0]?.why).toBe('power-cut needs a board with a power switch');
  });

  test('fill draws ids by the seed and refuses when too few devices match', async () => {
    const fill = (count: number): string => `  - apply: job.yaml
    fill: { spec.uuid: { devices: { group: hut }, count: ${count}, id: instance } }
  - wait: { for: job/flashjob, phase: Completed, within: 1m }`;
    const files = { 'job.yaml': JOB };
    const complete = async (world: Awaited<ReturnType<typeof play>>['world']): Promise<void> => {
      const key = { namespace: 'default', name: 'flashjob' };
      await world.kube.patch(FLASH_JOB, key, { body: { status: { phase: 'Completed' } } });
    };
    const script = (world: Awaited<ReturnType<typeof play>>['world']): void => {
      world.at(1000, () => complete(world));
    };
    const first = await play({ steps: fill(4), files }, script);
    const again = await play({ steps: fill(4), files }, script);
    const uuids = async ({ world }: typeof first): Promise<readonly string[]> =>
      (await world.kube.get(FLASH_JOB, { namespace: 'default', name: 'flashjob' })).spec.uuid;
    expect(await uuids(first)).toHaveLength(4);
    expect(await uuids(again)).toEqual(await uuids(first));
    expect((await uuids(first)).every((uuid) => uuid.startsWith('uid-'))).toBe(true);
    const tooMany = await play({ steps: fill(11), files });
    expect(tooMany.result).toMatchObject({ exitCode: 3 });
    expect(tooMany.result.steps[0]?.why).toBe('10 devices match, and 11 are to be filled in');
  });

  test('a job that names an unknown device is refused at its place, and nothing is applied', async () => {
    const steps = '  - apply: job.yaml';
    const told = await play({ steps, files: { 'job.yaml': JOB } }).catch((error: unknown) => error);
    expect(told).toBeInstanceOf(ScenarioError);
    expect((told as ScenarioError).message).toBe(
      'job.yaml:4:16: unknown device "a": no Device and no Akri Instance has this id; fill it from the fleet',
    );
  });
});

describe('verdicts', () => {
  test('the first violation ends the run; with keepGoing the story goes on', async () => {
    const steps = `  - { at: 10m, expect: { boards: { state: bricked }, count: 1 } }
  - { at: 20m, expect: { boards: {}, count: 12 } }`;
    const properties = 'always: [every-board-bootable]';
    const brick = (world: Awaited<ReturnType<typeof play>>['world']): void => {
      world.at(5 * minute, () => world.boot('hut-001', { brick: true }));
    };
    const ended = await play({ steps, properties }, brick);
    expect(ended.result).toMatchObject({ exitCode: 1, virtualDurationMs: 5 * minute });
    expect(statusOf(ended.result)).toEqual(['skipped', 'skipped']);
    expect(ended.result.involved.map((board) => board.name)).toEqual(['hut-001']);
    const went = await play({ steps, properties }, brick, { keepGoing: true });
    expect(went.result.exitCode).toBe(1);
    expect(statusOf(went.result)).toEqual(['passed', 'passed']);
  });

  test('a board that never comes back fails liveness with exit code 2', async () => {
    const { result } = await play({ steps: '  - { at: 1m, expect: { boards: {}, count: 12 } }' }, (world) => {
      world.at(30_000, () => {
        world.board('hut-007').online = false;
        world.tell({ kind: 'offline', board: 'hut-007' });
      });
    });
    expect(result.exitCode).toBe(2);
    expect(result.failure).toContain('1 boards are not up, online and confirmed (hut-007)');
  });

  test('the budget ends a run that waits for too long', async () => {
    const { result } = await play({
      steps: '  - wait: { for: rollout/none, phase: Completed, within: 12h }',
    });
    expect(result).toMatchObject({ exitCode: 3, virtualDurationMs: 6 * 60 * minute });
    expect(result.steps[0]?.why).toBe('the budget of 6h 00m is used up');
  });

  test('an interrupted run ends with 130 and stops its world', async () => {
    const controller = new AbortController();
    const { result, world } = await play(
      { steps: '  - { at: 1h, expect: { boards: {}, count: 12 } }' },
      (scripted) => scripted.at(minute, () => controller.abort()),
      { signal: controller.signal },
    );
    expect(result).toMatchObject({ exitCode: 130, outcome: 'failed', virtualDurationMs: minute });
    expect(world.stopped).toBe(true);
  });

  test('never is judged at every instant, and told once each time the bound is crossed', async () => {
    const properties = 'never: [{ boards: { state: updating }, more-than: 10% }]';
    const { result } = await play(
      { properties },
      (world) => {
        const turn = (state: 'updating' | 'running', ...boards: string[]): void => {
          for (const board of boards) {
            world.board(board).state = state;
            world.tell({ kind: 'online', board });
          }
        };
        world
          .at(1000, () => turn('updating', 'hut-001'))
          .at(2000, () => turn('updating', 'hut-002', 'hut-003'))
          .at(3000, () => turn('running', 'hut-001', 'hut-002', 'hut-003'))
          .at(4000, () => turn('updating', 'hut-004', 'hut-005'))
          .at(5000, () => turn('running', 'hut-004', 'hut-005'));
      },
      { keepGoing: true },
    );
    const never = result.properties.find((property) => property.kind === 'never');
    expect(never).toMatchObject({ verdict: 'failed', sightings: 2 });
    expect(never?.first[0]).toMatchObject({ atMs: 2000 });
    expect(result.exitCode).toBe(1);
  });
});

describe('the trace', () => {
  test('is the same for the same story and another for another one', async () => {
    const script = (world: Awaited<ReturnType<typeof play>>['world']): void => {
      world.at(1000, () => world.update('hut-001', 'thermo:2.0.0'));
    };
    const [first, again, other] = [await play({}, script), await play({}, script), await play({})];
    expect(again.result.traceHash).toBe(first.result.traceHash);
    expect(other.result.traceHash).not.toBe(first.result.traceHash);
    expect(first.trace.trimEnd().split('\n')).toHaveLength(first.result.traceLines);
  });

  test('each line has its members in a fixed order', async () => {
    const { trace } = await play({});
    expect(trace.split('\n')[0]).toBe(
      '{"atMs":0,"kind":"boot","board":"fake-001","slot":"ota_0","digest":"sha256:thermo:1.0.0/esp32","application":"thermo","version":"1.0.0","resetReason":"software","rolledBack":false}',
    );
  });
});

describe('refusals', () => {
  const condition = (reason: string, message: string) => ({
    conditions: [{ type: 'Attested', status: 'False', reason, message }],
  });

  test('each board is told once, with what it is and why it was refused', async () => {
    const impostor = { instance: 'i-x', station: 'esp32-x', code: 'cloned-identity', message: 'not its key' };
    const { result } = await play({}, (world) => {
      const victim = world.boards.find(({ deviceId, identity }) => {
        return identity === 'genuine' && deviceId === world.board('fake-001').deviceId;
      });
      world
        .at(minute, () => enrolLiar(world, 'liar-001', condition('BadSignature', 'forged')))
        .at(2 * minute, async () => {
          await world.patchDevice(victim?.name ?? '', { status: condition('ClonedIdentity', 'not its key') });
        })
        .at(3 * minute, async () => {
          await world.patchDevice(victim?.name ?? '', { status: { impostors: [impostor] } });
        });
    });
    expect(result.refused).toEqual([
      { board: 'liar-001', identity: 'forged', code: 'bad-signature', message: 'forged', atMs: minute },
      {
        board: 'fake-001',
        identity: 'cloned',
        code: 'cloned-identity',
        message: 'not its key',
        atMs: 2 * minute,
      },
    ]);
  });

  test('a genuine board that lies for a while is told as what it is, one that was never enrolled is not', async () => {
    const { result } = await play({}, (world) => {
      world
        .at(minute, async () => {
          await world.patchDevice('hut-001', { status: condition('NonceMismatch', 'replayed') });
        })
        .at(minute, async () => {
          await world.patchDevice('hut-002', { status: condition('NotEnrolled', 'no key') });
        });
    });
    expect(result.refused).toMatchObject([
      { board: 'hut-001', identity: 'genuine', code: 'nonce-mismatch', message: 'replayed' },
    ]);
  });
});
