import { expect, test } from 'vitest';
import { boards, firmware, Rig } from './rig.ts';

const MINUTE = 60_000;

test('agents of one node that flash at the same time ask for each blob and manifest once between them', async () => {
  const asked = new Map<string, number>();
  const rig = new Rig({
    boards: boards(12),
    firmware: [firmware('thermo:1.0.0'), firmware('thermo:2.0.0')],
    registryOf: (registry) =>
      new Proxy(registry, {
        get: (target, name) => {
          const method = target[name as keyof typeof target] as (...args: unknown[]) => unknown;
          return (...args: [unknown, { readonly digest: string } | string]) => {
            const [, what] = args;
            if (name === 'blob' || name === 'manifest') {
              const digest = typeof what === 'string' ? what : what.digest;
              asked.set(`${name} ${digest}`, (asked.get(`${name} ${digest}`) ?? 0) + 1);
            }
            return method.apply(target, args);
          };
        },
      }),
  });
  await rig.start();
  await rig.until('all are attested', () => rig.allAttested(), MINUTE);
  const jobs = ['a', 'b', 'c', 'd'];
  for (const [index, name] of jobs.entries())
    await rig.createJob(name, {
      firmware: 'registry.local/thermo:2.0.0',
      version: '2.0.0',
      uuid: rig.boards.filter((_, at) => at % jobs.length === index).map(({ deviceId }) => deviceId),
    });
  const phases = () => Promise.all(jobs.map(async (name) => (await rig.job(name)).status?.phase));
  await rig.until(
    'all jobs are over',
    async () => (await phases()).every((phase) => phase === 'Completed'),
    20 * MINUTE,
  );
  await rig.stop();
  // The index, and for each of three chips a manifest and an image.
  expect([...asked.keys()].map((key) => key.split(' ')[0]).sort()).toEqual([
    ...['blob', 'blob', 'blob'],
    ...['manifest', 'manifest', 'manifest', 'manifest'],
  ]);
  expect(new Set(asked.values())).toEqual(new Set([1]));
});
