import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeProtobuf } from '../../../sim/cluster/http/protobuf-body.ts';
import { KubeError } from '../../../src/kube/error.ts';

const { bodies } = JSON.parse(
  readFileSync(new URL('../../vectors/kubectl-protobuf.json', import.meta.url), 'utf8'),
) as {
  readonly bodies: readonly { readonly command: string; readonly hex: string; readonly object: object }[];
};
const bytesOf = (hex: string): Buffer => Buffer.from(hex, 'hex');

test.each(bodies)('what `$command` sends is read', ({ hex, object }) => {
  expect(decodeProtobuf(bytesOf(hex))).toEqual(object);
});

test('a kind that is read as JSON only is refused by its name', () => {
  const pod = bytesOf('6b3873000a090a02763112035 06f641200'.replace(' ', ''));
  expect(() => decodeProtobuf(pod)).toThrow(
    expect.objectContaining({ reason: 'UnsupportedMediaType', code: 415 }),
  );
  expect(() => decodeProtobuf(pod)).toThrow('Pod is not read as protobuf here; send it as application/json');
});

test('any bytes are an object or a refusal', () => {
  const spoilt = fc
    .tuple(fc.constantFrom(...bodies), fc.nat(200), fc.uint8Array({ maxLength: 6 }))
    .map(([{ hex }, at, more]) => {
      const body = bytesOf(hex);
      return Buffer.concat([body.subarray(0, at), more, body.subarray(at + more.length)]);
    });
  const anything = fc
    .uint8Array({ maxLength: 64 })
    .map((bytes) => Buffer.concat([Buffer.from('k8s\0'), bytes]));
  fc.assert(
    fc.property(fc.oneof(spoilt, anything, fc.uint8Array({ maxLength: 8 })), (bytes) => {
      try {
        expect(decodeProtobuf(bytes)).toHaveProperty('kind');
      } catch (error) {
        expect(error).toBeInstanceOf(KubeError);
      }
    }),
    { numRuns: 2000 },
  );
});
