import { KubeError } from '../../../src/kube/error.ts';

/** The shapes a client may ask for. */
export type Shape =
  /** The object or list itself. */
  | 'object'
  /** Columns and cells, as `kubectl get` prints. */
  | 'table'
  /** Metadata only, of one object. */
  | 'metadata'
  /** Metadata only, of each in a list. */
  | 'metadata-list'
  /** Discovery in one answer per root. */
  | 'discovery-v2'
  | 'discovery-v2beta1';

interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * The first shape of an Accept header that `offered` has, in the client's order. A client that asks for
 * protobuf first and JSON second gets JSON. Throws NotAcceptable when nothing fits.
 */
export function negotiate(accept: string | undefined, offered: readonly Shape[]): Shape {
  const ranges = (accept ?? '').split(',').map(parseRange);
  if (accept === undefined || accept.trim() === '') return 'object';
  for (const range of ranges) {
    const shape = shapeOf(range);
    if (shape !== undefined && offered.includes(shape)) return shape;
  }
  throw notAcceptable(['application/json', 'application/yaml']);
}

/** Whether the first type that we have, in the client's order, is YAML. */
export function prefersYaml(accept: string | undefined): boolean {
  const types = (accept ?? '').split(',').map((range) => parseRange(range).type);
  return types.find((type) => TEXT_TYPES.includes(type)) === 'application/yaml';
}

/** Throws NotAcceptable: a stream has no YAML. */
export function refuseYaml(accept: string | undefined): void {
  if (prefersYaml(accept)) throw notAcceptable(['application/json']);
}

const TEXT_TYPES: readonly string[] = ['application/json', 'application/yaml', 'application/*', '*/*'];

function notAcceptable(types: readonly string[]): KubeError {
  return new KubeError('NotAcceptable', `only the following media types are accepted: ${types.join(', ')}`);
}

function parseRange(text: string): MediaRange {
  const [type = '', ...rest] = text.split(';').map((part) => part.trim());
  const parameters = rest.map((part): [string, string] => {
    const [name = '', value = ''] = part.split('=');
    return [name, value];
  });
  return { type: type.toLowerCase(), parameters: new Map(parameters) };
}

function shapeOf({ type, parameters }: MediaRange): Shape | undefined {
  if (!TEXT_TYPES.includes(type)) return undefined;
  const [as, group, version] = ['as', 'g', 'v'].map((name) => parameters.get(name));
  if (as === undefined) return 'object';
  if (as === 'Table' && group === 'meta.k8s.io' && version === 'v1') return 'table';
  if (as === 'PartialObjectMetadata' && group === 'meta.k8s.io' && version === 'v1') return 'metadata';
  if (as === 'PartialObjectMetadataList' && group === 'meta.k8s.io' && version === 'v1')
    return 'metadata-list';
  if (as === 'APIGroupDiscoveryList' && group === 'apidiscovery.k8s.io')
    return version === 'v2' ? 'discovery-v2' : version === 'v2beta1' ? 'discovery-v2beta1' : undefined;
  return undefined;
}

export type PatchFormat = 'merge' | 'json' | 'strategic' | 'apply';

const PATCH_FORMATS: Readonly<Record<string, PatchFormat>> = {
  'application/merge-patch+json': 'merge',
  'application/json-patch+json': 'json',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};

/** Throws UnsupportedMediaType. */
export function patchFormat(contentType: string | undefined): PatchFormat {
  const format = PATCH_FORMATS[mediaType(contentType)];
  if (format !== undefined) return format;
  throw unsupported(Object.keys(PATCH_FORMATS));
}

/** Throws UnsupportedMediaType. Custom kinds have no protobuf messages. */
export function bodyFormat(contentType: string | undefined, custom: boolean): 'json' | 'yaml' | 'protobuf' {
  const type = mediaType(contentType);
  if (type === '' || type === 'application/json') return 'json';
  if (type === 'application/yaml') return 'yaml';
  if (type === PROTOBUF && !custom) return 'protobuf';
  throw unsupported(['application/json', 'application/yaml', ...(custom ? [] : [PROTOBUF])]);
}

const PROTOBUF = 'application/vnd.kubernetes.protobuf';

function mediaType(contentType: string | undefined): string {
  return (contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

function unsupported(accepted: readonly string[]): KubeError {
  return new KubeError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
}
