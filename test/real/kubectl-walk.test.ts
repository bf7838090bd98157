import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type KubeApiserver, startKubeApiserver } from './kube-apiserver.ts';

// docs/kubectl-walk.md is the test: its commands are run as they stand there, and must print what stands under them.

const ROOT = join(import.meta.dirname, '..', '..');
const MAIN = join(ROOT, 'src', 'cli', 'main.ts');

interface Step {
  readonly command: string;
  /** Lines; `…` is anything. */
  readonly expected: readonly string[];
  readonly exitCode: number;
}

interface Section {
  readonly title: string;
  readonly steps: readonly Step[];
}

/** The `console` blocks of a document: a line after `$ ` is a command, the lines under it are what it prints. */
function sectionsOf(document: string): Section[] {
  return document.split(/^## /m).flatMap((text) => {
    const [title = ''] = text.split('\n');
    const blocks = [...text.matchAll(/^```console\n(.*?)^```$/gms)].map(([, block = '']) => block);
    const steps = blocks.flatMap((block) =>
      block
        .split(/^\$ /m)
        .slice(1)
        .map((part): Step => {
          const [command = '', ...lines] = part.replace(/\n$/, '').split('\n');
          const exit = /^exit (\d+)$/.exec(lines.at(-1) ?? '');
          return {
            command,
            expected: exit === null ? lines : lines.slice(0, -1),
            exitCode: Number(exit?.[1] ?? 0),
          };
        }),
    );
    return steps.length === 0 ? [] : [{ title, steps }];
  });
}

/** Whether lines are as described: a line of `…` is any lines, `…` within a line any text. */
function patternOf(expected: readonly string[]): RegExp {
  const lines = expected.map((line) => {
    if (line === '…') return '(?:.*\\n)*?';
    const parts = line.split(/ ?… ?/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    return `${parts.join('.*?')}\\n`;
  });
  return new RegExp(`^${lines.join('')}$`);
}

/** One bash for the whole walk, as a reader has one. */
class Shell {
  readonly #process: ChildProcess;
  #heard = '';
  #look: () => void = () => {};
  #serial = 0;

  constructor(env: NodeJS.ProcessEnv) {
    this.#process = spawn('bash', ['--norc'], { cwd: ROOT, env, stdio: ['pipe', 'pipe', 'ignore'] });
    this.#process.stdout?.on('data', (chunk) => {
      this.#heard += chunk;
      this.#look();
    });
  }

  async run(command: string): Promise<{ readonly output: string; readonly exitCode: number }> {
    const mark = `walked-${++this.#serial}`;
    this.#heard = '';
    // A background job keeps the shell's output; the mark comes on a line of its own all the same.
    this.#process.stdin?.write(`{ ${command}\n} 2>&1\nprintf '\\n${mark} %s\\n' $?\n`);
    const end = new RegExp(`\\n${mark} (\\d+)\\n$`);
    const match = await new Promise<RegExpExecArray>((resolve) => {
      this.#look = () => {
        const found = end.exec(this.#heard);
        if (found !== null) resolve(found);
      };
    });
    return { output: this.#heard.slice(0, match.index), exitCode: Number(match[1]) };
  }

  end(): void {
    this.#process.kill('SIGKILL');
  }
}

const sections = sectionsOf(readFileSync(join(ROOT, 'docs', 'kubectl-walk.md'), 'utf8'));

test('the document has commands, and says what they print', () => {
  const steps = sections.flatMap((section) => section.steps);
  expect(steps.length).toBeGreaterThan(40);
  const walked = steps.map(({ command }) => command).join('\n');
  for (const verb of [
    ...['apply', 'apply --server-side', 'diff', 'wait', 'get', 'describe', 'events', 'explain', 'label'],
    ...['annotate', 'patch', 'scale', 'delete', 'api-resources'],
  ])
    expect(walked).toContain(`kubectl ${verb}`);
});

function walk(clusterArguments: () => Promise<readonly string[]>, end: () => Promise<void>): void {
  const folder = mkdtempSync(join(tmpdir(), 'brickproof-walk-'));
  let cluster: ChildProcess;
  let shell: Shell;

  beforeAll(async () => {
    const more = await clusterArguments();
    cluster = spawn(process.execPath, [MAIN, 'cluster', '--operator', ...more], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const line = await new Promise<string>((resolve) =>
      cluster.stdout?.once('data', (bytes) => resolve(`${bytes}`)),
    );
    const KUBECONFIG = /, kubeconfig (\S+)\n$/.exec(line)?.[1] ?? '';
    const cache = join(folder, 'cache');
    shell = new Shell({
      ...process.env,
      KUBECONFIG,
      WALK: folder,
      HOME: folder,
      KUBECACHEDIR: cache,
      LC_ALL: 'C',
    });
  });
  afterAll(async () => {
    shell.end();
    const ended = new Promise((resolve) => cluster.once('exit', resolve));
    cluster.kill('SIGTERM');
    await ended;
    await end();
    rmSync(folder, { recursive: true });
  });

  test.for(sections)('$title', async ({ steps }) => {
    for (const { command, expected, exitCode } of steps) {
      const { output, exitCode: ended } = await shell.run(command);
      expect(
        output.replace(/\n?$/, '\n').replace(/^\n$/, expected.length === 0 ? '' : '\n'),
        `$ ${command}`,
      ).toMatch(patternOf(expected));
      expect(ended, `$ ${command}\n${output}`).toBe(exitCode);
    }
  });
}

describe('the walk, in the embedded cluster', () => {
  walk(
    async () => [],
    async () => {},
  );
});

describe('the walk, in a real kube-apiserver', () => {
  let server: KubeApiserver;
  walk(
    async () => {
      server = await startKubeApiserver();
      return ['--cluster', `kubeconfig=${server.kubeconfig()}`];
    },
    () => server.stop(),
  );
});
