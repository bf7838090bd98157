/** Packets inside the SLIP frames, both directions. Source: esptool docs, serial protocol, "Command Packet". */
export const HEADER_SIZE = 8;
const REQUEST = 0x00;
const RESPONSE = 0x01;

/** Length, sequence number and two zero words stand before the bytes of every data command. */
export const DATA_HEADER_SIZE = 16;

/** First bytes of a SYNC request; the mask ROM gives them back as its value. */
export const SYNC_WORD = 0x20120707;

export interface LoaderRequest {
  readonly opcode: number;
  /** XOR checksum of a data command's bytes, else 0. */
  readonly checksum: number;
  readonly data: Uint8Array;
}

export interface LoaderResponse {
  readonly opcode: number;
  /** What READ_REG read; anything goes after other commands. */
  readonly value: number;
  /** What the command returns, without the status. */
  readonly data: Uint8Array;
  readonly failed: boolean;
  /** Meaningful only when `failed`. See `describeLoaderError`. */
  readonly error: number;
}

/** Why a packet was not accepted. Match on `code`. */
export interface PacketRefusal {
  readonly code: 'too-short' | 'wrong-direction' | 'wrong-length' | 'no-status';
  readonly message: string;
}

export type DecodedPacket<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: PacketRefusal };

/**
 * 4 for the mask ROM of an ESP32 and later: failed or not, error code, two spare bytes. 2 for the flasher stub:
 * the error code (0 when all is well) and a spare byte.
 */
export type StatusSize = 2 | 4;

/** XOR of `bytes`, started with 0xEF. */
export function checksumOf(bytes: Uint8Array): number {
  let checksum = 0xef;
  for (const byte of bytes) checksum ^= byte;
  return checksum;
}

export function encodeRequest(request: LoaderRequest): Uint8Array {
  return packet(REQUEST, request.opcode, request.checksum, request.data);
}

export function encodeResponse(response: LoaderResponse, statusSize: StatusSize): Uint8Array {
  const data = new Uint8Array(response.data.length + statusSize);
  data.set(response.data);
  const status = response.data.length;
  if (statusSize === 2) data[status] = response.failed ? response.error : 0;
  else data.set([response.failed ? 1 : 0, response.error], status);
  return packet(RESPONSE, response.opcode, response.value, data);
}

/** The words of a command as little-endian bytes. */
export function wordsOf(...words: number[]): Uint8Array {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((word, index) => {
    view.setUint32(index * 4, word >>> 0, true);
  });
  return bytes;
}

/** A data command (FLASH_DATA, MEM_DATA, FLASH_DEFL_DATA): header, bytes and checksum. */
export function dataRequest(opcode: number, sequence: number, bytes: Uint8Array): LoaderRequest {
  const data = new Uint8Array(DATA_HEADER_SIZE + bytes.length);
  data.set(wordsOf(bytes.length, sequence, 0, 0));
  data.set(bytes, DATA_HEADER_SIZE);
  return { opcode, checksum: checksumOf(bytes), data };
}

export function syncRequest(): LoaderRequest {
  const data = new Uint8Array(36).fill(0x55);
  data.set(wordsOf(SYNC_WORD));
  return { opcode: 0x08, checksum: 0, data };
}

/** Reads one frame's payload as a request. Bytes after the announced length are refused. */
export function decodeRequest(payload: Uint8Array): DecodedPacket<LoaderRequest> {
  const refusal = checkPacket(payload, REQUEST);
  if (refusal !== undefined) return { ok: false, refusal };
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const value = {
    opcode: payload[1] ?? 0,
    checksum: view.getUint32(4, true),
    data: payload.slice(HEADER_SIZE),
  };
  return { ok: true, value };
}

/** Reads one frame's payload as a response whose status takes `statusSize` bytes. */
export function decodeResponse(payload: Uint8Array, statusSize: StatusSize): DecodedPacket<LoaderResponse> {
  const refusal = checkPacket(payload, RESPONSE);
  if (refusal !== undefined) return { ok: false, refusal };
  const statusAt = payload.length - statusSize;
  if (statusAt < HEADER_SIZE)
    return refuse('no-status', `a response of ${payload.length} bytes has no room for its status`);
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const value = {
    opcode: payload[1] ?? 0,
    value: view.getUint32(4, true),
    data: payload.slice(HEADER_SIZE, statusAt),
    failed: payload[statusAt] !== 0,
    error: payload[statusSize === 2 ? statusAt : statusAt + 1] ?? 0,
  };
  return { ok: true, value };
}

function packet(direction: number, opcode: number, word: number, data: Uint8Array): Uint8Array {
  if (data.length > 0xffff) throw new RangeError(`a packet holds 65535 bytes of data, not ${data.length}`);
  const bytes = new Uint8Array(HEADER_SIZE + data.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = direction;
  bytes[1] = opcode;
  view.setUint16(2, data.length, true);
  view.setUint32(4, word >>> 0, true);
  bytes.set(data, HEADER_SIZE);
  return bytes;
}

function checkPacket(payload: Uint8Array, direction: number): PacketRefusal | undefined {
  if (payload.length < HEADER_SIZE)
    return {
      code: 'too-short',
      message: `a packet starts with ${HEADER_SIZE} bytes, here are ${payload.length}`,
    };
  if (payload[0] !== direction)
    return {
      code: 'wrong-direction',
      message: `direction byte 0x${(payload[0] ?? 0).toString(16)}, wanted 0x0${direction}`,
    };
  const announced = (payload[2] ?? 0) | ((payload[3] ?? 0) << 8);
  if (announced !== payload.length - HEADER_SIZE)
    return {
      code: 'wrong-length',
      message: `${announced} bytes of data announced, ${payload.length - HEADER_SIZE} came`,
    };
  return undefined;
}

function refuse(code: PacketRefusal['code'], message: string): { ok: false; refusal: PacketRefusal } {
  return { ok: false, refusal: { code, message } };
}
