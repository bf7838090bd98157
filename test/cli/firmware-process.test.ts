import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

/** A place on this machine where nobody listens. */
async function deafHost(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

test('a process that has nothing left but the wait before its next try lives on, and names what went wrong', async () => {
  const host = await deafHost();
  const line = [MAIN, 'firmware', 'inspect', `${host}/thermo:1`, '--attempts', '2'];
  const { status, stderr } = spawnSync(process.execPath, line, { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({
    status: 69,
    stderr: `brickproof: unavailable at resolve: HEAD http://${host}/v2/thermo/manifests/1: ECONNREFUSED\n`,
  });
});
