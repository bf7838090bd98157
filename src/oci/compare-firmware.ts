import { DELTA_FROM } from './delta-layer.ts';
import { type Digest, shortDigest } from './digest.ts';
import { ANNOTATION } from './firmware-artifact.ts';
import { LAYER_ANNOTATION } from './firmware-layers.ts';
import type { FirmwareListing, ListedTarget } from './list-firmware.ts';
import type { Descriptor } from './manifest.ts';

/** What became of one layer between two versions of a target. */
export interface LayerChange {
  /** Short type, with the partition's label where there is one: `app-image`, `partition model`. */
  readonly layer: string;
  readonly change: 'added' | 'removed' | 'changed' | 'same';
  readonly beforeBytes?: number;
  readonly afterBytes?: number;
}

/** What became of one target. */
export interface TargetChange {
  /** Chip and what else a board must be: `esp32s3 key-id=KEY3`. */
  readonly target: string;
  readonly change: 'added' | 'removed' | 'changed' | 'same';
  readonly layers: readonly LayerChange[];
  /** Annotations of the manifest that differ, sorted by name. */
  readonly annotations: readonly {
    readonly name: string;
    readonly before?: string;
    readonly after?: string;
  }[];
  /** What a board of this target fetches for the update: the whole app image, or nothing when it has it. */
  readonly updateBytes: number;
  /** What a board that runs the older image fetches instead, where a delta is there for it. */
  readonly deltaBytes?: number;
}

/** Compares two artifacts target by target, in the order of their names. */
export function compareFirmware(before: FirmwareListing, after: FirmwareListing): readonly TargetChange[] {
  const names = new Set([...before.targets, ...after.targets].map(({ name }) => name));
  return [...names].sort().map((name) => {
    const old = before.targets.find((target) => target.name === name);
    const now = after.targets.find((target) => target.name === name);
    const layers = compareLayers(old, now);
    const annotations = compareAnnotations(old, now);
    const isSame = old?.descriptor.digest === now?.descriptor.digest;
    const change = old === undefined ? 'added' : now === undefined ? 'removed' : isSame ? 'same' : 'changed';
    const app = layers.find(({ layer }) => layer === 'app-image');
    const updateBytes = app === undefined || app.change === 'same' ? 0 : (app.afterBytes ?? 0);
    const base = old?.annotations[ANNOTATION.measurement];
    const delta = updateBytes === 0 ? undefined : now?.deltas.find(({ from }) => from === `sha256:${base}`);
    return {
      target: name,
      change,
      layers,
      annotations,
      updateBytes,
      ...(delta === undefined ? {} : { deltaBytes: delta.size }),
    };
  });
}

function compareLayers(old: ListedTarget | undefined, now: ListedTarget | undefined): readonly LayerChange[] {
  const before = layersByName(old);
  const after = layersByName(now);
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names.map((layer) => {
    const [was, is] = [before.get(layer), after.get(layer)];
    const change =
      was === undefined
        ? 'added'
        : is === undefined
          ? 'removed'
          : was.digest === is.digest
            ? 'same'
            : 'changed';
    return {
      layer,
      change,
      ...(was === undefined ? {} : { beforeBytes: was.size }),
      ...(is === undefined ? {} : { afterBytes: is.size }),
    };
  });
}

function compareAnnotations(
  old: ListedTarget | undefined,
  now: ListedTarget | undefined,
): TargetChange['annotations'] {
  const [before, after] = [old?.annotations ?? {}, now?.annotations ?? {}];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names
    .filter((name) => before[name] !== after[name])
    .map((name) => ({
      name,
      ...(before[name] === undefined ? {} : { before: before[name] }),
      ...(after[name] === undefined ? {} : { after: after[name] }),
    }));
}

function layersByName(target: ListedTarget | undefined): ReadonlyMap<string, Descriptor> {
  return new Map((target?.layers ?? []).map((layer) => [nameOfLayer(layer), layer]));
}

/** `application/vnd.brickproof.firmware.partition.v1` of label `model` is `partition model`; a delta has its base's measurement. */
export function nameOfLayer(layer: Descriptor): string {
  const short = /^application\/vnd\.brickproof\.firmware\.([\w-]+)\.v\d+$/.exec(layer.mediaType)?.[1];
  const { [LAYER_ANNOTATION.partition]: partition, [DELTA_FROM]: from } = layer.annotations ?? {};
  const label = partition ?? (from === undefined ? undefined : `from ${shortDigest(from as Digest)}`);
  return `${short ?? layer.mediaType}${label === undefined ? '' : ` ${label}`}`;
}
