import { verifyAppImage } from '../src/esp/app-image.ts';
import { buildAppImage } from '../src/esp/app-image-build.ts';
import { CHIPS, type ChipName } from '../src/esp/chips.ts';
import { type PackedFirmware, packFirmware, pushFirmware } from '../src/oci/pack.ts';
import { parseReference } from '../src/oci/reference.ts';
import type { Registry } from '../src/oci/registry.ts';
import { signFirmware } from '../src/oci/signature/sign-firmware.ts';
import type { SigningKey } from '../src/oci/signature/signing-key.ts';
import { SeededRandom } from '../src/random/random.ts';
import { matchesBoard } from '../src/scenario/board-selector.ts';
import type { PlannedFirmware, PlannedImage } from '../src/scenario/plan.ts';
import { type BoardState, type PackedImage, WorldError } from '../src/scenario/world.ts';
import type { Program, Programs } from './board/behaviour.ts';
import { signForBoard } from './boot-keys.ts';
import { nextBuild } from './next-build.ts';

/** One app image, made or read, and what is known of it. */
interface MadeImage {
  readonly chip: PlannedImage['chip'];
  readonly bytes: Uint8Array;
  /** SHA-256 of the whole image, lower-case hex; what a board that runs it measures. */
  readonly measurement: string;
}

/**
 * Makes a scenario's firmware: genuine ESP-IDF images, packed as OCI artifacts, and what boards do with them.
 *
 * Images depend on keys and the chip alone, not on the seed: the same firmware has the same digest in every run.
 */
export class FirmwareFactory implements Programs {
  readonly #images = new Map<string, readonly MadeImage[]>();
  readonly #firmware: readonly PlannedFirmware[];
  readonly #byDigest = new Map<string, PlannedFirmware>();
  readonly #packs = new Map<string, PackedFirmware>();

  constructor(firmware: readonly PlannedFirmware[]) {
    this.#firmware = firmware;
    for (const planned of firmware) {
      const images = planned.images.map((image) => this.#make(planned, image));
      this.#images.set(planned.key, images);
      for (const { measurement } of images) this.#byDigest.set(`sha256:${measurement}`, planned);
    }
  }

  /** The image of a firmware for a chip. Throws WorldError `bad-scenario` when it was not built for it. */
  image(key: string, chip: string): Uint8Array {
    const made = this.#find(key, chip);
    if (made === undefined) throw new WorldError('bad-scenario', `${key} has no image for ${chip}`);
    return made.bytes;
  }

  /** Every image, by firmware and chip. */
  get images(): readonly PackedImage[] {
    return this.#firmware.flatMap(({ key, application, version }) => {
      const packed = () => this.#packed(key);
      return (this.#images.get(key) ?? []).map(({ chip, measurement }) => ({
        firmware: key,
        chip,
        digest: `sha256:${measurement}`,
        // Making deltas takes a while, and most who ask for images want no index.
        get index() {
          return packed().digest;
        },
        application,
        version,
      }));
    });
  }

  find(digest: string, board: BoardState): Program | undefined {
    const firmware = this.#byDigest.get(digest);
    if (firmware === undefined) return undefined;
    const { application, version, secureVersion } = firmware;
    const matching = firmware.behaviours.find(({ on }) => matchesBoard(on, board));
    return { application, version, secureVersion, behaviour: matching?.does ?? { kind: 'healthy' } };
  }

  /** Pushes everything under every reference it has, and signs there what is to be signed. */
  async push(registry: Registry, keyOf: (name: string) => SigningKey): Promise<void> {
    for (const planned of this.#firmware) {
      const packed = this.#packed(planned.key);
      for (const text of planned.references) {
        const reference = parseReference(text);
        if (!reference.ok) throw new WorldError('bad-scenario', `${text}: ${reference.refusal.message}`);
        await pushFirmware(registry, reference.value, packed);
        if (planned.signedBy !== undefined)
          await signFirmware(registry, reference.value, keyOf(planned.signedBy));
      }
    }
  }

  #packed(key: string): PackedFirmware {
    const planned = this.#firmware.find((entry) => entry.key === key);
    const packed = this.#packs.get(key) ?? (planned && this.#pack(planned));
    if (packed === undefined) throw new WorldError('bad-scenario', `no firmware ${key}`);
    this.#packs.set(key, packed);
    return packed;
  }

  #pack(planned: PlannedFirmware): PackedFirmware {
    const { application, version, rollback, bootsWithoutConfirm, key } = planned;
    const chips = (this.#images.get(key) ?? []).map(({ chip, bytes }) => ({
      chip,
      image: bytes,
      deltaFrom: (planned.deltaFrom ?? []).flatMap((base) => this.#find(base, chip)?.bytes ?? []),
    }));
    const packed = packFirmware({ application, version, rollback, bootsWithoutConfirm, chips });
    if (!packed.ok) throw new WorldError('bad-scenario', `${key}: ${packed.refusal.message}`);
    return packed.value;
  }

  #find(key: string, chip: string): MadeImage | undefined {
    return this.#images.get(key)?.find((image) => image.chip === chip);
  }

  #make(planned: PlannedFirmware, { chip, source }: PlannedImage): MadeImage {
    const { application, version, secureVersion, key, imageSignedBy } = planned;
    const built =
      source.kind === 'file'
        ? source.bytes
        : buildAppImage({
            chip: CHIPS[chip],
            projectName: application,
            version,
            secureVersion,
            sizeBytes: source.sizeBytes,
            contents: (length) => this.#contents(planned, chip, length),
          });
    const verified = verifyAppImage(built, { chip: CHIPS[chip] });
    if (!verified.ok) throw new WorldError('bad-scenario', `${key} for ${chip}: ${verified.refusal.message}`);
    const { measurement, imageLength } = verified.value;
    const bytes =
      imageSignedBy === undefined
        ? built
        : signForBoard(built.subarray(0, imageLength), CHIPS[chip], [imageSignedBy]);
    return { chip, bytes, measurement };
  }

  /** Noise, or the next build of what stands before it in the file. */
  #contents(planned: PlannedFirmware, chip: ChipName, length: number): Uint8Array {
    const random = new SeededRandom(`firmware/image/${planned.key}/${chip}`);
    const earlier = this.#firmware.slice(0, this.#firmware.indexOf(planned));
    const previous = planned.deltaFrom
      ?.flatMap((base) => earlier.filter(({ key }) => key === base))
      .find(({ images }) => images.some((made) => made.chip === chip && made.source.kind === 'generated'));
    return previous === undefined
      ? random.bytes(length)
      : nextBuild(this.#contents(previous, chip, length), random);
  }
}
