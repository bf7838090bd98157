import { splitApiVersion } from '../resource.ts';
import { PROTOBUF_FIELDS } from './protobuf-fields.ts';
import { type ProtobufError, ProtobufReader } from './protobuf-reader.ts';

/** Four bytes before every body. Source: apimachinery, runtime/serializer/protobuf. */
const MAGIC = [0x6b, 0x38, 0x73, 0x00];
const DEPTH_MAX = 64;

/** The messages' packages by API group. */
const PACKAGES: Readonly<Record<string, string>> = {
  '': 'core',
  'rbac.authorization.k8s.io': 'rbac',
  'coordination.k8s.io': 'coordination',
  'events.k8s.io': 'events',
  'authentication.k8s.io': 'authentication',
  'authorization.k8s.io': 'authorization',
  'apiextensions.k8s.io': 'apiextensions',
};

interface Field {
  /** `.`: its members stand in the object itself. */
  readonly json: string;
  readonly shape: 'one' | 'list' | 'map';
  readonly type: string;
  readonly keepsZero: boolean;
}

type Message = ReadonlyMap<number, Field>;
type Members = Record<string, unknown>;
export type Decoded =
  | { readonly ok: true; readonly value: Readonly<Members> }
  | { readonly ok: false; readonly error: string };

let messages: ReadonlyMap<string, Message> | undefined;

/**
 * Reads the body of a request in `application/vnd.kubernetes.protobuf` as what the same object is in JSON.
 * Never throws; builds nothing larger than the body says and nothing deeper than 64 levels.
 */
export function decodeProtobuf(body: Uint8Array): Decoded {
  if (!MAGIC.every((byte, index) => body[index] === byte))
    return refused('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  messages ??= readTable(PROTOBUF_FIELDS);
  const envelope = readEnvelope(body.subarray(MAGIC.length));
  if (typeof envelope === 'string') return refused(envelope);
  const { apiVersion, kind, raw } = envelope;
  const { group, version } = splitApiVersion(apiVersion);
  const name =
    kind === 'DeleteOptions' ? 'meta.v1.DeleteOptions' : `${PACKAGES[group] ?? group}.${version}.${kind}`;
  if (messages.get(name) === undefined)
    return refused(
      `no kind ${JSON.stringify(kind)} is known for version ${JSON.stringify(apiVersion)} in protobuf`,
    );
  const value = readMessage(messages, name, raw, 0);
  return typeof value === 'string'
    ? refused(`${kind}: ${value}`)
    : { ok: true, value: { apiVersion, kind, ...(value as { members: Members }).members } };
}

function refused(error: string): Decoded {
  return { ok: false, error };
}

/** Source: apimachinery, runtime/generated.proto, Unknown and TypeMeta. */
function readEnvelope(
  bytes: Uint8Array,
): { apiVersion: string; kind: string; raw: Uint8Array } | ProtobufError {
  const reader = new ProtobufReader(bytes);
  let typeMeta: Uint8Array = new Uint8Array(0);
  let raw: Uint8Array = new Uint8Array(0);
  while (reader.next()) {
    if (reader.field === 1) typeMeta = reader.bytes();
    else if (reader.field === 2) raw = reader.bytes();
    else reader.pass();
  }
  const inner = new ProtobufReader(typeMeta);
  const names = ['', ''];
  while (inner.next()) {
    if (inner.field === 1 || inner.field === 2) names[inner.field - 1] = inner.text();
    else inner.pass();
  }
  const [apiVersion = '', kind = ''] = names;
  return reader.error ?? inner.error ?? { apiVersion, kind, raw };
}

/** Members in a box, so that a message that is a text in JSON is not taken for an error. */
type Value = { readonly members: Members } | { readonly value: unknown };

function readMessage(
  table: ReadonlyMap<string, Message>,
  name: string,
  bytes: Uint8Array,
  depth: number,
): Value | ProtobufError {
  if (depth > DEPTH_MAX) return `${name} is nested too deep`;
  const message = table.get(name);
  if (message === undefined) return `${name} is not known`;
  const reader = new ProtobufReader(bytes);
  const members: Members = {};
  while (reader.next()) {
    const field = message.get(reader.field);
    if (field === undefined) {
      reader.pass();
      continue;
    }
    const value =
      field.shape === 'map'
        ? readEntry(table, field, reader, depth)
        : readValue(table, field.type, reader, depth);
    if (typeof value === 'string') return value;
    put(members, field, value);
  }
  return reader.error ?? asJson(name, members);
}

function put(members: Members, field: Field, value: Value): void {
  const content = 'members' in value ? value.members : value.value;
  if (field.json === '.') Object.assign(members, content);
  else if (field.shape === 'list') {
    const list = members[field.json];
    if (Array.isArray(list)) list.push(content);
    else members[field.json] = [content];
  } else if (field.shape === 'map')
    members[field.json] = { ...(members[field.json] as Members), ...(content as Members) };
  else if (content !== undefined && (field.keepsZero || !isZero(content))) members[field.json] = content;
}

function isZero(value: unknown): boolean {
  return value === '' || value === 0 || value === false || value === null;
}

function readEntry(
  table: ReadonlyMap<string, Message>,
  field: Field,
  reader: ProtobufReader,
  depth: number,
): Value | ProtobufError {
  const entry = new ProtobufReader(reader.bytes());
  let key = '';
  let content: Value = { value: zeroOf(field.type) };
  while (entry.next()) {
    if (entry.field === 1) key = entry.text();
    else if (entry.field === 2) {
      const value = readValue(table, field.type, entry, depth);
      if (typeof value === 'string') return value;
      content = value;
    } else entry.pass();
  }
  if (entry.error !== undefined) return entry.error;
  return { members: { [key]: 'members' in content ? content.members : content.value } };
}

function zeroOf(type: string): unknown {
  return type === 's' || type === 'y' ? '' : {};
}

function readValue(
  table: ReadonlyMap<string, Message>,
  type: string,
  reader: ProtobufReader,
  depth: number,
): Value | ProtobufError {
  switch (type) {
    case 's':
      return { value: reader.text() };
    case 'b':
      return { value: reader.whole() !== 0 };
    case 'i':
      return { value: reader.whole() };
    case 'd':
      return { value: reader.double() };
    case 'y':
      return { value: Buffer.from(reader.bytes()).toString('base64') };
    default:
      return readMessage(table, type, reader.bytes(), depth + 1);
  }
}

/** Messages that JSON writes in a form of their own. */
function asJson(name: string, members: Members): Value | ProtobufError {
  const { seconds = 0, nanos = 0 } = members as { seconds?: number; nanos?: number };
  switch (name) {
    case 'meta.v1.Time':
      return { value: seconds === 0 && nanos === 0 ? undefined : timeText(seconds).replace('.000Z', 'Z') };
    case 'meta.v1.MicroTime': {
      const micros = String(Math.floor(nanos / 1000)).padStart(6, '0');
      return {
        value: seconds === 0 && nanos === 0 ? undefined : timeText(seconds).replace('.000Z', `.${micros}Z`),
      };
    }
    case 'resource.Quantity':
      return { value: members.string ?? '0' };
    case 'intstr.IntOrString':
      return { value: members.type === 1 ? (members.strVal ?? '') : (members.intVal ?? 0) };
    case 'authentication.v1.ExtraValue':
    case 'authorization.v1.ExtraValue':
    case 'meta.v1.Verbs':
      return { value: members.items ?? [] };
    case 'runtime.RawExtension':
    case 'meta.v1.FieldsV1':
    case 'apiextensions.v1.JSON':
      return embeddedJson(name, Object.values(members)[0]);
    case 'apiextensions.v1.JSONSchemaPropsOrArray':
      return { value: members.schema ?? members.jSONSchemas };
    case 'apiextensions.v1.JSONSchemaPropsOrBool':
      return { value: members.schema ?? members.allows ?? false };
    case 'apiextensions.v1.JSONSchemaPropsOrStringArray':
      return { value: members.schema ?? members.property };
    default:
      return { members };
  }
}

function embeddedJson(name: string, base64: unknown): Value | ProtobufError {
  const text = Buffer.from(String(base64 ?? ''), 'base64').toString();
  if (text === '') return { value: undefined };
  try {
    return { value: JSON.parse(text) };
  } catch {
    return `${name} does not hold JSON`;
  }
}

/** Seconds since 1970; what no date can be is the epoch. */
function timeText(seconds: number): string {
  const ms = seconds * 1000;
  return new Date(Math.abs(ms) <= 8.64e15 ? ms : 0).toISOString();
}

function readTable(text: string): ReadonlyMap<string, Message> {
  const table = new Map<string, Message>();
  for (const line of text.trim().split('\n')) {
    const [name = '', ...fields] = line.split(' ');
    table.set(name, new Map(fields.map(readField)));
  }
  return table;
}

function readField(text: string): [number, Field] {
  const [json = '', number = '', sign = ''] = text.split(':');
  const [, mark, type = '', keeps] = /^([*%]?)(.*?)(!?)$/.exec(sign) ?? [];
  const shape = mark === '*' ? 'list' : mark === '%' ? 'map' : 'one';
  return [Number(number), { json, shape, type, keepsZero: keeps === '!' }];
}
