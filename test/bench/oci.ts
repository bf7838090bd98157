import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
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
import { pathOfGoPeer } from '../real/go-peer.ts';
import { ORAS } from '../real/oras-peer.ts';

const run = promisify(execFile);
const PROJECT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const CHIPS_IN_FLEET: readonly ChipName[] = ['esp32', 'esp32s3', 'esp32c3'];
const DEVICES = 1000;
const FLEET_IMAGE_BYTES = 1_500_000;
const TRANSFER_MIB = 8;
const TRANSFER_IMAGE_BYTES = TRANSFER_MIB * 1024 * 1024;
/** The best of so many, each with content that nobody has seen. */
const ROUNDS = 3;

type Tool = 'brickproof' | 'skopeo' | 'oras';

interface FleetFigures {
  readonly devices: number;
  /** All that the registry wrote to its sockets, headers included. */
  readonly wireBytes: number;
  /** Layers once per node, and index and manifests once: what cannot be saved. */
  readonly contentBytes: number;
  readonly requests: number;
  readonly wireBytesPerDevice: number;
}

const isInPath = (program: string): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));

/** What figures are compared with, and whether it is here. */
const PEERS: Readonly<Record<string, boolean>> = {
  'docker-registry': isInPath('docker-registry'),
  skopeo: isInPath('skopeo'),
  oras: existsSync(pathOfGoPeer(ORAS)),
};

/**
 * What a fleet costs its registry, and how fast artifacts move, beside skopeo and oras in the same run. What is
 * not installed is named, and not measured.
 */
export async function benchOci(print: (line: string) => void): Promise<void> {
  const { devices, wireBytes, contentBytes, requests, wireBytesPerDevice } = await measureFleet();
  const many = (count: number): string => count.toLocaleString('en');
  print(
    `${`firmware for ${many(devices)} devices, ${CHIPS_IN_FLEET.length} chips, 1 node`.padEnd(38)} ${many(wireBytes)} bytes from the registry in ${requests} requests, ${many(wireBytesPerDevice)} a device`,
  );
  print(`${''.padEnd(38)} layers and manifests once are ${many(contentBytes)}; the rest is headers`);
  const absent = Object.entries(PEERS).filter(([, isThere]) => !isThere);
  for (const [peer] of absent)
    print(`!! NOT MEASURED against ${peer}: it is not installed; .ci/run does that`);
  if (PEERS['docker-registry'] !== true) return;
  const tools = (['brickproof', 'skopeo', 'oras'] as const).filter((tool) => PEERS[tool] !== false);
  const best = await measureTransfers(tools);
  for (const work of ['pack', 'push', 'pull'] as const) {
    const speeds = tools.flatMap((tool) => {
      const speed = best.get(`${work} ${tool}`);
      return speed === undefined ? [] : [`${tool} ${speed.toFixed(0)} MB/s`];
    });
    print(`${`${work}, ${TRANSFER_MIB} MiB for each chip`.padEnd(38)} ${speeds.join(', ')}`);
  }
  const startMs = await measureStart();
  print(`${''.padEnd(38)} whole processes; ${startMs.toFixed(0)} ms of brickproof's are its start`);
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
    await run(process.execPath, [join(PROJECT, 'src/cli/launch.mjs'), 'firmware', 'pack', '--help']);
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

/**
 * Packs into a layout, pushes it to Debian's registry, pulls it back: each tool as a person starts it. Million
 * bytes of app images per second, by work and tool, the best of all rounds.
 */
async function measureTransfers(tools: readonly Tool[]): Promise<ReadonlyMap<string, number>> {
  const root = mkdtempSync(join(tmpdir(), 'brickproof-bench-'));
  const registry = await startDockerRegistry({ basicAuth: false });
  const oras = pathOfGoPeer(ORAS);
  const best = new Map<string, number>();
  const time = async (work: string, tool: Tool, cwd: string, args: readonly string[]) => {
    const [program = '', ...rest] = args;
    const startedMs = performance.now();
    await run(program, rest, { cwd, maxBuffer: 1 << 20 });
    const seconds = (performance.now() - startedMs) / 1000;
    const speed = (CHIPS_IN_FLEET.length * TRANSFER_IMAGE_BYTES) / 1_000_000 / seconds;
    best.set(`${work} ${tool}`, Math.max(best.get(`${work} ${tool}`) ?? 0, speed));
  };
  const brickproof = (...line: readonly string[]) => [
    process.execPath,
    join(PROJECT, 'src/cli/launch.mjs'),
    'firmware',
    ...line,
  ];
  const skopeo = (...line: readonly string[]) => ['skopeo', '--insecure-policy', 'copy', '--all', ...line];
  try {
    for (let round = 0; round < ROUNDS; round++)
      for (const tool of tools) {
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
  return best;
}

if (import.meta.main) await benchOci((line) => process.stdout.write(`${line}\n`));
