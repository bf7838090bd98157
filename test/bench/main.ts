import { spawnSync } from 'node:child_process';
import { benchAttestation } from './attestation.ts';
import { benchBoards } from './boards.ts';
import { benchCluster } from './cluster.ts';
import { benchClusterHttp } from './cluster-http.ts';
import { benchClusterMemory } from './cluster-memory.ts';
import { benchDelta } from './delta.ts';
import { describeMachine } from './machine.ts';
import { benchOci } from './oci.ts';
import { benchStory } from './story.ts';

// `npm run bench [-- --quick]`: figures, and the machine they were measured on. Nothing here passes or fails.

const print = (line: string): void => void process.stdout.write(`${line}\n`);

if ((globalThis as { gc?: unknown }).gc === undefined) {
  const again = [...process.execArgv, '--expose-gc', import.meta.filename, ...process.argv.slice(2)];
  process.exitCode = spawnSync(process.execPath, again, { stdio: 'inherit' }).status ?? 70;
} else {
  const quick = process.argv.includes('--quick');
  print(describeMachine());
  benchStory(200, print);
  if (!quick) benchStory(10_000, print);
  benchBoards(quick ? 10_000 : 100_000, print);
  benchAttestation(quick ? 200 : 2000, print);
  await benchCluster(quick ? 2000 : 10_000, print);
  benchClusterMemory(10_000, print);
  if (!quick) benchClusterMemory(100_000, print);
  await benchClusterHttp(quick ? { rounds: 1, count: 100 } : { rounds: 5, count: 300 }, print);
  await benchOci(print);
  if (!quick) benchDelta(print);
}
