import type { IncomingMessage } from 'node:http';
import { RegistryError } from '../../src/oci/registry-error.ts';

/**
 * Reads a body piece by piece and stops as soon as it exceeds `bytesMax`, whatever the headers said.
 *
 * Throws RegistryError `too-large`; pieces within the limit were handed over by then.
 */
export async function receiveBody(
  body: IncomingMessage,
  bytesMax: number,
  onPiece: (piece: Uint8Array) => void,
): Promise<void> {
  const announced = Number(body.headers['content-length'] ?? 0);
  if (announced > bytesMax) {
    body.destroy();
    throw tooLarge(bytesMax);
  }
  let sizeBytes = 0;
  // Leaving the loop destroys the stream, and with it the download.
  for await (const piece of body as AsyncIterable<Buffer>) {
    sizeBytes += piece.length;
    if (sizeBytes > bytesMax) throw tooLarge(bytesMax);
    onPiece(piece);
  }
}

/** The whole body of at most `bytesMax`, in one array. */
export async function readBody(
  body: IncomingMessage,
  bytesMax: number,
  onProgress: () => void,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  await receiveBody(body, bytesMax, (piece) => {
    onProgress();
    pieces.push(piece);
  });
  const [only] = pieces;
  if (only !== undefined && pieces.length === 1) return Uint8Array.from(only);
  const { buffer, byteOffset, length } = Buffer.concat(pieces);
  return new Uint8Array(buffer, byteOffset, length);
}

function tooLarge(bytesMax: number): RegistryError {
  return new RegistryError('too-large', `the answer is longer than the ${bytesMax} bytes that were expected`);
}
