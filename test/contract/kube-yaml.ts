import { expect, test } from 'vitest';
import type { Bench } from './kube.ts';

/** Bodies in YAML that give a key twice. */
export function yamlContract(bench: Bench): void {
  bench.needing('HTTP', 'repeated keys in YAML', () => {
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n  a: "1"\n  a: "2"\n';
    const repeated = 'line 7: key "a" already set in map';
    const send = async (method: 'POST' | 'PATCH', fieldValidation: string) => {
      const path = `/api/v1/namespaces/${await bench.namespace()}/configmaps`;
      return method === 'POST'
        ? bench.wire.send('POST', path, {
            ...{ body: yaml, contentType: 'application/yaml', query: { fieldValidation } },
          })
        : bench.wire.send('PATCH', `${path}/x`, {
            ...{ body: yaml, contentType: 'application/apply-patch+yaml' },
            query: { fieldValidation, fieldManager: 'one' },
          });
    };

    test.each([
      ['POST', 'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: '],
      ['PATCH', 'error strict decoding YAML: error converting YAML to JSON: '],
    ] as const)('%s, strict: refused, by line', async (method, start) => {
      expect(await send(method, 'Strict')).toMatchObject({
        status: 400,
        body: { reason: 'BadRequest', message: `${start}yaml: unmarshal errors:\n  ${repeated}` },
      });
    });

    test.each(['POST', 'PATCH'] as const)('%s, else: the last one counts, with a warning', async (method) => {
      const warned = await send(method, 'Warn');
      expect(warned).toMatchObject({ status: 201, body: { data: { a: '2' } } });
      expect(warned.headers.warning).toBe(`299 - ${JSON.stringify(repeated)}`);
      const ignored = await send(method, 'Ignore');
      expect(ignored).toMatchObject({ status: 201, body: { data: { a: '2' } } });
      expect(ignored.headers.warning).toBeUndefined();
    });
  });
}
