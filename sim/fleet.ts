import { createHash, createPublicKey } from 'node:crypto';
import { hexOf } from '../src/attestation/bytes.ts';
import { udsPublicKey } from '../src/attestation/layers.ts';
import { deviceIdOf, ueidFromBytes } from '../src/attestation/ueid.ts';
import { CHIPS, type ChipName } from '../src/esp/chips.ts';
import { PARTITION_TABLE_OFFSET } from '../src/esp/partition-table.ts';
import { keyDigestOf } from '../src/esp/signature-block.ts';
import { DEVICE, type Device } from '../src/kube/device.ts';
import type { NewObject } from '../src/kube/object.ts';
import type { Random } from '../src/random/random.ts';
import type { FleetEvent } from '../src/scenario/fleet-event.ts';
import type { PlannedBoard, ScenarioPlan } from '../src/scenario/plan.ts';
import type { Clock } from '../src/time/clock.ts';
import { BlockStore } from './board/block-store.ts';
import { Board } from './board/board.ts';
import { BOOT_COUNTER_BUILD, type BootloaderBuild, ESP_IDF_BUILD } from './board/bootloader.ts';
import { Efuse, type KeySlot } from './board/efuse.ts';
import { BoardIdentity } from './board/identity.ts';
import type { NorFlash } from './board/nor-flash.ts';
import { defaultBootloader, provisionFlash, TWO_OTA_CSV, tableOfCsv } from './board/provision.ts';
import type { Radio } from './board/radio.ts';
import { bootKey, signForBoard } from './boot-keys.ts';
import type { FirmwareFactory } from './firmware-factory.ts';

const BUILDS: Readonly<Record<PlannedBoard['bootloader'], BootloaderBuild>> = {
  'esp-idf': ESP_IDF_BUILD,
  'boot-counter': BOOT_COUNTER_BUILD,
  'no-rollback': { ...ESP_IDF_BUILD, appRollback: false },
};
const FLASH_BYTES = 4 * 1024 * 1024;
/** Espressif's IEEE prefix; the MACs of virtual boards are drawn below it. Source: IEEE OUI registry. */
const MAC_PREFIX = '24:6f:28';

export interface FleetParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly factory: FirmwareFactory;
  readonly radioOf: (board: PlannedBoard) => Radio;
  readonly onEvent: (event: FleetEvent) => void;
}

/** A fleet as it leaves the factory: boards without power, and the enrolment that the factory hands over. */
export interface Fleet {
  /** In the plan's order, which is by name. */
  readonly boards: readonly Board[];
  /** A Device for every genuine board, with its UEID and the public key of its UDS; impostors are not on the list. */
  readonly enrolment: readonly NewObject<Device>[];
}

export function manufacture(plan: ScenarioPlan, parts: FleetParts): Fleet {
  const store = new BlockStore();
  const table = tableOfCsv(TWO_OTA_CSV);
  const masters = new Map<string, { readonly flash: NorFlash; readonly bootloaderDigest: Uint8Array }>();

  const masterOf = (runs: string, chipName: ChipName, keys: readonly string[]) => {
    const key = `${chipName}/${runs}/${keys.join(' ')}`;
    let master = masters.get(key);
    if (master === undefined) {
      const chip = CHIPS[chipName];
      const images = [parts.factory.image(runs, chipName)];
      const unsigned = defaultBootloader(chip);
      const flash = provisionFlash({
        store,
        chip,
        sizeBytes: FLASH_BYTES,
        table,
        bootloader: keys.length === 0 ? unsigned : signForBoard(unsigned, chip, keys),
        images,
        confirmedSlot: 0,
      });
      const bootloader = flash.read(chip.bootloaderOffset, PARTITION_TABLE_OFFSET - chip.bootloaderOffset);
      master = { flash, bootloaderDigest: createHash('sha256').update(bootloader).digest() };
      masters.set(key, master);
    }
    return master;
  };

  const enrolment: NewObject<Device>[] = [];
  const macs = new Set<string>();
  const boards = plan.boards.map((planned): Board => {
    const random = parts.random.split(`board/${planned.name}`);
    const { flash, bootloaderDigest } = masterOf(planned.runs, planned.chip, planned.secureBoot ?? []);
    const uds = random.split('uds').bytes(32);
    const claimed = planned.clones ?? planned.name;
    const ueid = ueidFromBytes(parts.random.split(`board/${claimed}`).split('ueid').bytes(16));
    const mac = drawMac(random.split('mac'), macs);
    if (planned.clones === undefined) enrolment.push(enrol(planned, ueid, uds));
    return new Board({
      name: planned.name,
      group: planned.group,
      labels: planned.labels,
      flash: flash.fork(),
      efuse: burnFuses(planned, mac),
      signedUpdates: planned.signedUpdates === true,
      bootloader: BUILDS[planned.bootloader],
      bootloaderDigest,
      identity: new BoardIdentity(ueid, planned.identity),
      uds,
      radio: parts.radioOf(planned),
      clock: parts.clock,
      random: random.split('firmware'),
      programs: parts.factory,
      onEvent: parts.onEvent,
    });
  });
  return { boards, enrolment };
}

function burnFuses({ chip: chipName, secureBoot }: PlannedBoard, mac: string): Efuse {
  const chip = CHIPS[chipName];
  const efuse = new Efuse(chip, mac);
  if (secureBoot === undefined) return efuse;
  for (const [slot, name] of secureBoot.entries())
    efuse.burnKeyDigest(slot as KeySlot, keyDigestOf(createPublicKey(bootKey(name, chip))));
  efuse.enableSecureBoot();
  return efuse;
}

/** Among ten thousand boards two would draw the same 24 bits sooner or later, and be one station. */
function drawMac(random: Random, taken: Set<string>): string {
  for (;;) {
    const mac = MAC_PREFIX.replaceAll(':', '') + hexOf(random.bytes(3));
    if (taken.has(mac)) continue;
    taken.add(mac);
    return mac;
  }
}

function enrol(planned: PlannedBoard, ueid: Uint8Array, uds: Uint8Array): NewObject<Device> {
  return {
    apiVersion: DEVICE.apiVersion,
    kind: DEVICE.kind,
    metadata: { name: deviceIdOf(ueid), namespace: 'default', labels: { ...planned.labels } },
    spec: { ueid: hexOf(ueid), udsPublicKey: Buffer.from(udsPublicKey(uds)).toString('base64') },
  };
}

/** Boards get power within this time, each at its own moment. */
const POWER_UP_MS = 5_000;

export function powerUp(boards: readonly Board[], clock: Clock, random: Random): void {
  for (const board of boards)
    clock.after(random.split(board.name).next() * POWER_UP_MS, () => board.powerOn());
}
