import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);

/** `kubectl --kubeconfig X get …` as the run prints it, and the broker's port. */
interface Lookouts {
  readonly kubeconfig: string;
  readonly brokerPort: string;
}

/** Starts the live smoke story; settles when it has said where to look on. */
function startStory(): Promise<{ lookouts: Lookouts; ended: Promise<{ code: number | null; out: string }> }> {
  const story = spawn(
    process.execPath,
    ['src/cli/main.ts', 'run', 'scenarios/live-smoke', '--on', 'live', '--json'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let out = '';
  let said = '';
  story.stdout.on('data', (chunk) => {
    out += chunk;
  });
  const ended = new Promise<{ code: number | null; out: string }>((resolve) =>
    story.on('close', (code) => resolve({ code, out })),
  );
  return new Promise((resolve, reject) => {
    story.stderr.on('data', (chunk) => {
      said += chunk;
      const kubeconfig = /--kubeconfig (\S+)/.exec(said)?.[1];
      const brokerPort = /mosquitto_sub -p (\d+)/.exec(said)?.[1];
      if (kubeconfig !== undefined && brokerPort !== undefined)
        resolve({ lookouts: { kubeconfig, brokerPort }, ended });
    });
    story.on('close', () => reject(new Error(`the story ended early: ${said}`)));
  });
}

test('while the live smoke story runs, kubectl and mosquitto_sub see it, and it ends well', async () => {
  const { lookouts, ended } = await startStory();
  const kubectl = (...args: string[]) => run('kubectl', ['--kubeconfig', lookouts.kubeconfig, ...args]);

  // Each of the twenty boards says hello; mosquitto_sub leaves after as many messages.
  const announcements = run('mosquitto_sub', [
    ...['-p', lookouts.brokerPort, '-t', 'brickproof/+/announce', '-v', '-C', '20', '-W', '60'],
  ]);
  await kubectl('wait', '--for=create', 'fwr/thermo-2', '--timeout=60s');
  const devices = await kubectl('get', 'devices');
  expect(devices.stdout.split('\n')[0]).toMatch(
    /^NAME\s+APPLICATION\s+VERSION\s+SLOT\s+ATTESTED\s+ONLINE\s+UPDATE\s+AGE/,
  );
  expect(devices.stdout.match(/thermo\s+1\.0\.0\s+ota_0\s+True\s+true/g)).toHaveLength(20);
  await kubectl('wait', '--for=condition=Completed', 'fwr/thermo-2', '--timeout=80s');

  const heard = (await announcements).stdout.trim().split('\n');
  expect(heard).toHaveLength(20);
  for (const line of heard) expect(line).toMatch(/^brickproof\/esp32\w*-[0-9a-f]{12}\/announce \{"online":/);

  const { code, out } = await ended;
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    scenario: 'live-smoke',
    world: 'live',
    outcome: 'passed',
    exitCode: 0,
    boards: 20,
  });
});
