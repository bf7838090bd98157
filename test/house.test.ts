import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

// The rules of the house, as a test. ARCHITECTURE.md explains them; this file is what makes them true.

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.ts'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => /^(src|sim|operator|hil|test)\//.test(path));

interface Source {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const sources: readonly Source[] = files.map((path) => {
  const text = readFileSync(join(root, path), 'utf8');
  return { path, text, imports: importsOf(path, text) };
});
const house = sources.filter(({ path }) => !path.startsWith('test/'));

/** Every module a file imports: project files as paths from the root, packages and node: modules as they are. */
function importsOf(path: string, text: string): string[] {
  const found: string[] = [];
  const pattern =
    /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;
  for (const match of text.matchAll(pattern)) {
    const name = match[1] ?? match[2] ?? '';
    found.push(name.startsWith('.') ? relative(root, join(root, dirname(path), name)) : name);
  }
  return found;
}

/** The core's rooms, lowest first: a room imports from rooms before it, never from those after it. */
const CORE = [
  'time',
  'random',
  'device',
  'esp',
  'delta',
  'rom',
  'oci',
  'attestation',
  'kube',
  'flashjob',
  'rollout',
  'scenario',
  'cli',
];

const room = (path: string): string => path.split('/')[1] ?? '';
const within = (path: string, ...folders: readonly string[]): boolean =>
  folders.some((folder) => path === folder || path.startsWith(`${folder}/`));

/** Everything wrong with the given files, one line each: an empty list is the only good answer. */
function complaints(
  check: (source: Source) => readonly string[],
  among: readonly Source[] = house,
): string[] {
  return among.flatMap((source) => check(source).map((problem) => `${source.path}: ${problem}`));
}

describe('doors', () => {
  test('the core imports only the core, and only downwards', () => {
    const problems = complaints(({ path, imports }) => {
      if (!within(path, 'src') || within(path, 'src/cli')) return [];
      return imports.filter((to) => {
        if (within(to, 'sim', 'operator', 'hil', 'test')) return true;
        return (
          within(to, 'src') &&
          CORE.indexOf(room(to)) > CORE.indexOf(room(path)) &&
          room(to).indexOf('.') === -1
        );
      });
    });
    expect(problems).toEqual([]);
  });

  test('every room of the core has its place in the order', () => {
    const rooms = new Set(
      house.filter(({ path }) => /^src\/[^/]+\//.test(path)).map(({ path }) => room(path)),
    );
    expect([...rooms].filter((name) => !CORE.includes(name))).toEqual([]);
  });

  test('the operator and the bench know neither the simulation nor each other', () => {
    const problems = complaints(({ path, imports }) => {
      const forbidden = within(path, 'operator')
        ? ['sim', 'hil', 'test']
        : within(path, 'hil')
          ? ['sim', 'operator', 'test']
          : [];
      return imports.filter(
        (to) => within(to, ...forbidden) || (forbidden.length > 0 && within(to, 'src/cli')),
      );
    });
    expect(problems).toEqual([]);
  });

  test('the simulation enters the operator by its front door, its adapters and its discovery handlers', () => {
    const problems = complaints(({ path, imports }) => {
      if (!within(path, 'sim')) return [];
      return imports.filter(
        (to) =>
          within(to, 'hil', 'test', 'src/cli') ||
          (within(to, 'operator') &&
            !within(to, 'operator/index.ts', 'operator/adapters', 'operator/discovery')),
      );
    });
    expect(problems).toEqual([]);
  });

  test('nothing imports in a circle', () => {
    const edges = new Map(house.map(({ path, imports }) => [path, imports]));
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(' > '));
      else if (!done.has(path)) {
        for (const to of edges.get(path) ?? []) if (edges.has(to)) visit(to, [...trail, path]);
        done.add(path);
      }
    };
    for (const path of edges.keys()) visit(path, []);
    expect(circles).toEqual([]);
  });
});

/** Where an npm package may be imported; every package has a home, so that replacing one is a change in one room. */
const HOMES: Readonly<Record<string, readonly string[]>> = {
  '@kubernetes/client-node': ['operator/adapters'],
  mqtt: ['operator/adapters', 'sim/live'],
  aedes: ['sim/live'],
  yaml: [
    'src/scenario',
    'src/cli',
    'sim/akri',
    'operator/crds',
    'operator/deploy',
    'operator/adapters',
    'sim/cluster',
  ],
  zod: ['src/scenario'],
  commander: ['src/cli'],
  cborg: ['src/attestation'],
  '@marcbachmann/cel-js': ['src/kube/cel'],
  '@noble/hashes': ['src/kube', 'src/attestation'],
};

test('every npm package stays in its home', () => {
  const problems = complaints(({ path, imports }) =>
    imports.filter((to) => {
      if (to.startsWith('node:') || /^(src|sim|operator|hil|test)\//.test(to)) return false;
      const name = to
        .split('/')
        .slice(0, to.startsWith('@') ? 2 : 1)
        .join('/');
      return !within(path, ...(HOMES[name] ?? []));
    }),
  );
  expect(problems).toEqual([]);
});

/** Rooms that face the real world; everything else must run the same in virtual time. */
const REAL = [
  'src/cli',
  'operator/adapters',
  'operator/main.ts',
  'operator/crds',
  'operator/deploy',
  'sim/live',
  'sim/serial',
  'hil',
];
const facesTheWorld = (path: string): boolean =>
  within(path, ...REAL) || /(^|\/)http[^/]*\.ts$/.test(path) || path === 'sim/clock.ts';

const BANNED: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.now\b/, 'Date.now: time comes through Clock'],
  [/\bnew Date\(\s*\)/, 'new Date(): time comes through Clock'],
  [/\bperformance\.now\b|\bprocess\.hrtime\b/, 'a stopwatch: time comes through Clock'],
  [
    /\bMath\.random\b|\brandomUUID\b|\brandomBytes\b|\bgetRandomValues\b/,
    'chance: randomness comes through Random',
  ],
  [/\b(?:setTimeout|setInterval|setImmediate)\s*\(/, 'a timer: waiting goes through Clock'],
  [/\bconsole\./, 'console: what people read is printed by src/cli'],
  [
    /from 'node:(?!crypto|zlib)[a-z_/]+'/,
    'node: modules other than crypto and zlib: I/O comes through ports',
  ],
  [/\bcreateInflate\b|\bcreateGunzip\b|\bsubtle\b|\bgenerateKeyPair\(/, 'asynchronous crypto or zlib'],
];

test('nothing outside the rooms that face the world reads clocks, chance, disks or sockets', () => {
  const problems = complaints(({ path, text }) =>
    facesTheWorld(path)
      ? []
      : BANNED.filter(([pattern]) => pattern.test(withoutComments(text))).map(([, why]) => why),
  );
  expect(problems).toEqual([]);
});

test('chance and the wall clock stay out of the faces, too, but for where a real clock is made', () => {
  const problems = complaints(({ path, text }) =>
    facesTheWorld(path) && /\bMath\.random\b/.test(withoutComments(text)) ? ['Math.random'] : [],
  );
  expect(problems).toEqual([]);
});

test('a file is at most 400 lines', () => {
  expect(
    complaints(
      ({ text }) => (text.split('\n').length > 401 ? [`${text.split('\n').length} lines`] : []),
      sources,
    ),
  ).toEqual([]);
});

test('nothing is named after nothing', () => {
  const vague = /(^|\/|-)(utils?|helpers?|managers?|common|misc|shared|stuff|index)(-|\.|\/)/;
  const doors = new Set(['operator/index.ts']);
  expect(house.map(({ path }) => path).filter((path) => vague.test(path) && !doors.has(path))).toEqual([]);
});

test('nothing is left open in the code, and no check is switched off', () => {
  const open = new RegExp(
    [
      'TO' + 'DO',
      'FIX' + 'ME',
      '@ts-' + 'ignore',
      '@ts-' + 'nocheck',
      'as ' + 'any\\b',
      'biome-' + 'ignore',
      '\\.(only|skip)\\(',
    ].join('|'),
  );
  expect(complaints(({ text }) => text.split('\n').filter((line) => open.test(line)), sources)).toEqual([]);
});

/** Comments may name what code may not do. Rough, and enough: no string of the house holds `//` but URLs. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
}
