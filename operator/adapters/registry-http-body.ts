import { RegistryError } from '../../src/oci/registry-error.ts';

/**
 * Reads a response's body and stops as soon as it exceeds `bytesMax`, whatever its headers said.
 *
 * `onProgress` is called for each piece that arrives. Throws RegistryError `too-large`.
 */
export async function readBody(
  response: Response,
  bytesMax: number,
  onProgress: () => void = () => {},
): Promise<Uint8Array> {
  const announced = Number(response.headers.get('content-length') ?? 0);
  if (announced > bytesMax) {
    await response.body?.cancel();
    throw tooLarge(bytesMax);
  }
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response.body ?? []) {
    onProgress();
    sizeBytes += chunk.length;
    // Leaving the loop cancels the stream, and with it the download.
    if (sizeBytes > bytesMax) throw tooLarge(bytesMax);
    chunks.push(chunk);
  }
  const [only] = chunks;
  return only !== undefined && chunks.length === 1 ? only : join(chunks, sizeBytes);
}

function join(chunks: readonly Uint8Array[], sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

function tooLarge(bytesMax: number): RegistryError {
  return new RegistryError('too-large', `the answer is longer than the ${bytesMax} bytes that were expected`);
}
