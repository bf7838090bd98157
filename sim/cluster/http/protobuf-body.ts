import { KubeError } from '../../../src/kube/error.ts';
import { badRequest } from '../status-errors.ts';
import { type Field, MESSAGES, type MessageName } from './protobuf-messages.ts';

/** What stands before every protobuf body. Source: k8s.io/apimachinery, runtime/serializer/protobuf. */
const MAGIC = Buffer.from('k8s\0');

const DEPTH_MAX = 16;

/**
 * The object in a protobuf body, as JSON would carry it: kubectl's typed commands send these for built-in
 * kinds. Throws BadRequest when it is malformed, UnsupportedMediaType for a kind that is read as JSON only.
 */
export function decodeProtobuf(body: Uint8Array): unknown {
  if (!MAGIC.equals(body.subarray(0, MAGIC.length))) throw malformed('it does not begin with "k8s\\0"');
  const { apiVersion = '', kind = '', raw } = readEnvelope(body.subarray(MAGIC.length));
  if (!Object.hasOwn(MESSAGES, kind) || raw === undefined)
    throw new KubeError(
      'UnsupportedMediaType',
      `${kind || 'this kind'} is not read as protobuf here; send it as application/json`,
    );
  return { apiVersion, kind, ...readMessage(raw, kind as MessageName, 0) };
}

/** Source: k8s.io/apimachinery, runtime.Unknown. */
function readEnvelope(bytes: Uint8Array): { apiVersion?: string; kind?: string; raw?: Uint8Array } {
  const envelope: { apiVersion?: string; kind?: string; raw?: Uint8Array } = {};
  for (const { number, value } of fieldsOf(bytes)) {
    if (!(value instanceof Uint8Array)) continue;
    if (number === 2) envelope.raw = value;
    if (number !== 1) continue;
    const type = readMessage(value, 'TypeMeta', 0);
    Object.assign(envelope, type);
  }
  return envelope;
}

function readMessage(bytes: Uint8Array, name: MessageName, depth: number): Record<string, unknown> {
  if (depth > DEPTH_MAX) throw malformed('it is nested too deeply');
  const message: Record<string, unknown> = {};
  const fields: Readonly<Record<number, Field>> = MESSAGES[name];
  for (const { number, value } of fieldsOf(bytes)) {
    const field = fields[number];
    if (field === undefined) continue;
    const [member, type, many] = field;
    if (many === 'map') {
      message[member] ??= {};
      const entries = message[member] as object;
      const [key, content] = readEntry(value, type, depth);
      Object.defineProperty(entries, key, { value: content, enumerable: true, configurable: true });
    } else if (many === 'list') {
      message[member] ??= [];
      (message[member] as unknown[]).push(readValue(value, type, depth));
    } else {
      const read = readValue(value, type, depth);
      // A text that is not there is written as an empty one.
      if (read !== '') message[member] = read;
    }
  }
  return message;
}

function readValue(value: bigint | Uint8Array, type: Field[1], depth: number): unknown {
  switch (type) {
    case 'bool':
      return value !== 0n;
    case 'int':
      return Number(BigInt.asIntN(64, asNumber(value)));
    case 'text':
      return Buffer.from(asBytes(value)).toString();
    case 'base64':
      return Buffer.from(asBytes(value)).toString('base64');
    default:
      return readMessage(asBytes(value), type, depth + 1);
  }
}

/** A map is a list of messages with a key and a value. */
function readEntry(value: bigint | Uint8Array, type: Field[1], depth: number): readonly [string, unknown] {
  let key = '';
  let content: unknown = '';
  for (const { number, value: part } of fieldsOf(asBytes(value))) {
    if (number === 1) key = Buffer.from(asBytes(part)).toString();
    if (number === 2) content = readValue(part, type, depth);
  }
  return [key, content];
}

interface WireField {
  readonly number: number;
  readonly value: bigint | Uint8Array;
}

/** Source: Protocol Buffers documentation, "Encoding"; fixed-width fields do not occur in these kinds. */
function* fieldsOf(bytes: Uint8Array): Generator<WireField> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw malformed('it ends in the middle of a number');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw malformed('a number in it is too long');
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Number(tag >> 3n);
    const wireType = Number(tag & 7n);
    if (wireType === 0) yield { number, value: varint() };
    else if (wireType === 2) {
      const length = Number(varint());
      if (length > bytes.length - at) throw malformed('it ends in the middle of a field');
      yield { number, value: bytes.subarray(at, at + length) };
      at += length;
    } else throw malformed(`it has a field of wire type ${wireType}`);
  }
}

function asNumber(value: bigint | Uint8Array): bigint {
  if (typeof value !== 'bigint') throw malformed('a number in it is a sequence of bytes');
  return value;
}

function asBytes(value: bigint | Uint8Array): Uint8Array {
  if (typeof value === 'bigint') throw malformed('a text or message in it is a number');
  return value;
}

function malformed(why: string): KubeError {
  return badRequest(`the body is not the protobuf that its Content-Type promises: ${why}`);
}
