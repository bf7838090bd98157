import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { HttpRegistry } from '../../operator/adapters/registry-http.ts';
import { ScaledClock } from '../../sim/live/scaled-clock.ts';
import { registryHandler } from '../../sim/registry/http.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { buildAppImage } from '../../src/esp/app-image-build.ts';
import { CHIPS, type ChipName } from '../../src/esp/chips.ts';
import { ContentCache } from '../../src/oci/content-cache.ts';
import { fetchForChip, resolveFirmware } from '../../src/oci/fetch-firmware.ts';
import { packFirmware, pushFirmware } from '../../src/oci/pack.ts';
import { startDockerRegistry } from '../real/docker-registry.ts';
import { buildOras } from '../real/oras-peer.ts';

const run = promisify(execFile);
const PROJECT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const CHIPS_IN_FLEET: readonly ChipName[] = ['esp32', 'esp32s3', 'esp32c3'];
const DEVICES = 1000;
const FLEET_IMAGE_BYTES = 1_500_000;
const TRANSFER_IMAGE_BYTES = 8 * 1024 * 1024;
/** The best of so many, each with content that nobody has seen. */
const ROUNDS = 3;

export interface FleetFigures {
  readonly devices: number;
  /** All that the registry wrote to its sockets, headers included. */
  readonly wireBytes: number;
  /** Layers once per node, and index and manifests once: what cannot be saved. */
  readonly contentBytes: number;
  readonly requests: number;
  readonly wireBytesPerDevice: number;
}

export interface TransferFigures {
  readonly work: 'pack' | 'push' | 'pull';
  readonly tool: string;
  /** Million bytes of app images per second, the whole process from start to end. */
  readonly megabytesPerSecond: number;
}

/** What a fleet costs its registry, and how fast artifacts move, beside skopeo and oras in the same run. */
export async function benchOci(print: (line: string) => void): Promise<{
  readonly fleet: FleetFigures;
  readonly transfers: readonly TransferFigures[];
  readonly startMs: number;
}> {
  const fleet = await measureFleet();
  print(
    `registry to node: ${fleet.wireBytes} bytes on the wire for ${fleet.devices} devices of ${CHIPS_IN_FLEET.length} chips in ${fleet.requests} requests, ${fleet.wireBytesPerDevice} a device (content once: ${fleet.contentBytes})`,
  );
  const transfers = await measureTransfers();
  for (const { work, tool, megabytesPerSecond } of transfers)
    print(`${work} by ${tool}: ${megabytesPerSecond.toFixed(0)} MB/s`);
  const startMs = await measureStart();
  print(`of which starting brickproof takes ${startMs.toFixed(0)} ms, whatever it then does`);
  return { fleet, transfers, startMs };
}

/** A thousand devices of one node ask at once, over real sockets. */
async function measureFleet(): Promise<FleetFigures> {
  const handler = registryHandler(new RegistryStore());
  const sockets: Socket[] = [];
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    handler(request, response);
  });
  server.on('connection', (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const written = (): number => sockets.reduce((sum, socket) => sum + socket.bytesWritten, 0);
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const registry = new HttpRegistry({ clock: new ScaledClock() });
  const packed = packFirmware(buildOf(FLEET_IMAGE_BYTES));
  if (!packed.ok) throw new Error(packed.refusal.message);
  await pushFirmware(registry, { host, name: 'fleet/thermo', tag: '1' }, packed.value);
  const [before, asked] = [written(), requests];
  const source = { registry, cache: new ContentCache(64 * 1024 * 1024) };
  const resolved = await resolveFirmware(source, `${host}/fleet/thermo:1`);
  const chipOf = (device: number) => CHIPS_IN_FLEET[device % CHIPS_IN_FLEET.length] ?? 'esp32';
  await Promise.all(
    Array.from({ length: DEVICES }, (_, device) => fetchForChip(source, resolved, chipOf(device))),
  );
  const wireBytes = written() - before;
  const { index, manifests } = packed.value;
  const contentBytes =
    CHIPS_IN_FLEET.length * FLEET_IMAGE_BYTES +
    manifests.reduce((sum, { bytes }) => sum + bytes.length, index.bytes.length);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  return {
    devices: DEVICES,
    wireBytes,
    contentBytes,
    requests: requests - asked,
    wireBytesPerDevice: Math.round(wireBytes / DEVICES),
  };
}

/** The shortest of a few starts that do nothing. */
async function measureStart(): Promise<number> {
  let bestMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const startedMs = performance.now();
    await run(process.execPath, [join(PROJECT, 'src/cli/main.ts'), 'firmware', 'pack', '--help']);
    bestMs = Math.min(bestMs, performance.now() - startedMs);
  }
  return bestMs;
}

function buildOf(sizeBytes: number) {
  const image = (chip: ChipName) =>
    buildAppImage({
      chip: CHIPS[chip],
      projectName: 'thermo',
      version: '1.0.0',
      sizeBytes,
      contents: (length) => Uint8Array.from(randomBytes(length)),
    });
  return {
    application: 'thermo',
    version: '1.0.0',
    rollback: 'esp-idf',
    bootsWithoutConfirm: 1,
    chips: CHIPS_IN_FLEET.map((chip) => ({ chip, image: image(chip) })),
  } as const;
}

/** Packs into a layout, pushes it to Debian's registry, pulls it back: each tool as a person starts it. */
async function measureTransfers(): Promise<readonly TransferFigures[]> {
  const root = mkdtempSync(join(tmpdir(), 'brickproof-bench-'));
  const registry = await startDockerRegistry({ basicAuth: false });
  const oras = await buildOras();
  const best = new Map<string, number>();
  const time = async (work: TransferFigures['work'], tool: string, cwd: string, args: readonly string[]) => {
    const [program = '', ...rest] = args;
    const startedMs = performance.now();
    await run(program, rest, { cwd, maxBuffer: 1 << 20 });
    const seconds = (performance.now() - startedMs) / 1000;
    const speed = (CHIPS_IN_FLEET.length * TRANSFER_IMAGE_BYTES) / 1_000_000 / seconds;
    best.set(`${work} ${tool}`, Math.max(best.get(`${work} ${tool}`) ?? 0, speed));
  };
  const brickproof = (...line: readonly string[]) => [
    process.execPath,
    join(PROJECT, 'src/cli/main.ts'),
    'firmware',
    ...line,
  ];
  const skopeo = (...line: readonly string[]) => ['skopeo', '--insecure-policy', 'copy', '--all', ...line];
  try {
    for (let round = 0; round < ROUNDS; round++)
      for (const tool of ['brickproof', 'oras', 'skopeo']) {
        const folder = join(root, `${tool}-${round}`);
        mkdirSync(folder);
        const files = buildOf(TRANSFER_IMAGE_BYTES).chips.map(({ chip, image }) => {
          writeFileSync(join(folder, `${chip}.bin`), image);
          return `${chip}.bin`;
        });
        const apps = files.flatMap((file) => ['--app', file]);
        const pack = brickproof('pack', ...apps, '-o', 'oci:made:1');
        const there = `${registry.host}/bench/${tool}:${round}`;
        if (tool === 'brickproof') {
          await time('pack', tool, folder, pack);
          await time('push', tool, folder, brickproof('push', 'oci:made:1', there));
          await time('pull', tool, folder, brickproof('pull', there, 'oci:back:1'));
        } else if (tool === 'oras') {
          await time('pack', tool, folder, [oras, 'push', '--oci-layout', 'their:1', ...files]);
          await run(pack[0] ?? '', pack.slice(1), { cwd: folder });
          const push = [oras, 'cp', '--from-oci-layout', 'made:1', '--to-plain-http', there];
          await time('push', tool, folder, push);
          const pull = [oras, 'cp', '--from-plain-http', there, '--to-oci-layout', 'back:1'];
          await time('pull', tool, folder, pull);
        } else {
          await run(pack[0] ?? '', pack.slice(1), { cwd: folder });
          const push = skopeo('--dest-tls-verify=false', 'oci:made:1', `docker://${there}`);
          await time('push', tool, folder, push);
          await time(
            'pull',
            tool,
            folder,
            skopeo('--src-tls-verify=false', `docker://${there}`, 'oci:back:1'),
          );
        }
      }
  } finally {
    await registry.close();
    rmSync(root, { recursive: true, force: true });
  }
  return [...best].map(([name, megabytesPerSecond]) => {
    const [work, tool = ''] = name.split(' ');
    return { work: work as TransferFigures['work'], tool, megabytesPerSecond };
  });
}

if (import.meta.main) await benchOci((line) => process.stdout.write(`${line}\n`));
