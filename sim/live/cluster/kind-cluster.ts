import { spawn } from 'node:child_process';
import { WorldError } from '../../../src/scenario/world.ts';
import { borrowCluster, type StandIns } from './borrowed-cluster.ts';
import { KubeconfigFile, type LiveCluster } from './live-cluster.ts';

/** How long a new cluster may take to get ready. */
const READY = '180s';

/**
 * A cluster of kind by that name: the one that is there, or a new one, which goes when it is closed.
 *
 * Rejects with WorldError `unavailable` saying what is missing when there is no Docker or no kind.
 */
export async function openKindCluster(
  name: string,
  standIns: StandIns,
  say: (line: string) => void,
): Promise<LiveCluster> {
  await checkDocker();
  const clusters = await runKind('get', 'clusters');
  const isThere = clusters.split('\n').some((line) => line.trim() === name);
  const file = new KubeconfigFile('');
  const remove = async (): Promise<void> => {
    if (!isThere) await runKind('delete', 'cluster', '--name', name, '--kubeconfig', file.path);
    file.remove();
  };
  try {
    if (isThere) say(`uses the kind cluster ${name} that is there, and leaves it`);
    else {
      say(`makes a kind cluster ${name}; it goes when this ends`);
      await runKind('create', 'cluster', '--name', name, '--kubeconfig', file.path, '--wait', READY);
    }
    const borrowed = await borrow(name, standIns, say);
    return {
      ...borrowed,
      close: async () => {
        await borrowed.close();
        await remove();
      },
    };
  } catch (error) {
    // What stood in the way counts; that there is nothing to remove then is no news.
    await remove().catch(() => {});
    throw error;
  }
}

async function borrow(name: string, standIns: StandIns, say: (line: string) => void): Promise<LiveCluster> {
  const file = new KubeconfigFile(await runKind('get', 'kubeconfig', '--name', name));
  try {
    // Named: a Docker on another machine is meant by whoever set it up.
    const connection = { kubeconfig: file.path, context: `kind-${name}` };
    return await borrowCluster({ connection, standIns, say });
  } finally {
    file.remove();
  }
}

const INSTEAD = '--cluster embedded needs neither Docker nor kind';

async function checkDocker(): Promise<void> {
  try {
    await run('docker', ['info', '--format', '{{.ServerVersion}}']);
  } catch (error) {
    if (isMissing(error))
      throw unavailable(
        `kind needs Docker, and there is no program docker here; see https://docs.docker.com/engine/install (${INSTEAD})`,
      );
    throw unavailable(`kind needs Docker, whose daemon does not answer: ${messageOf(error)} (${INSTEAD})`);
  }
}

async function runKind(...args: readonly string[]): Promise<string> {
  try {
    return await run('kind', args);
  } catch (error) {
    if (isMissing(error))
      throw unavailable(
        `there is no program kind here; see https://kind.sigs.k8s.io/docs/user/quick-start, or: go install sigs.k8s.io/kind@latest (${INSTEAD})`,
      );
    throw unavailable(`kind ${args.slice(0, 2).join(' ')} failed: ${messageOf(error)}`);
  }
}

/** Standard output of a program that ends with 0; rejects with the end of what it complained otherwise. */
function run(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    // A group of its own: Ctrl-C is for us, who then take the cluster away in order.
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let [out, complaint] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString()).slice(-2000);
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(out);
      else reject(new Error(complaint.trim().split('\n').at(-1) || `exit code ${code}`));
    });
  });
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function unavailable(message: string): WorldError {
  return new WorldError('unavailable', message);
}
