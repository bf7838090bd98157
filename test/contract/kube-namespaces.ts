import { describe, expect, test } from 'vitest';
import { isKubeError } from '../../src/kube/error.ts';
import type { Kind, KubeObject } from '../../src/kube/object.ts';
import type { Bench } from './kube.ts';
import { NAMESPACE, WIDGET } from './kube-widget.ts';

const SERVICE_ACCOUNT: Kind<KubeObject> = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  namespaced: true,
};

interface Namespace extends KubeObject {
  readonly spec: { readonly finalizers?: readonly string[] };
  readonly status: { readonly phase: string };
}

/** The life of a namespace, and what it brings. */
export function namespaceContract(bench: Bench): void {
  const read = async (name: string): Promise<Namespace> =>
    (await bench.api.get(NAMESPACE, { name })) as unknown as Namespace;
  const accountOf = (namespace: string): Promise<KubeObject | undefined> =>
    bench.api.get(SERVICE_ACCOUNT, { namespace, name: 'default' }).catch((error: unknown) => {
      if (isKubeError(error, 'NotFound')) return undefined;
      throw error;
    });

  describe('namespaces', () => {
    test('are active from the start, and held by their content', async () => {
      const name = await bench.namespace();
      expect(await read(name)).toMatchObject({
        metadata: { labels: { 'kubernetes.io/metadata.name': name } },
        spec: { finalizers: ['kubernetes'] },
        status: { phase: 'Active' },
      });
    });

    test('every cluster has the four that programs count on', async () => {
      for (const name of ['default', 'kube-node-lease', 'kube-public', 'kube-system'])
        expect((await read(name)).status.phase).toBe('Active');
    });

    test('get a default ServiceAccount, and get it again when it is deleted', async () => {
      const namespace = await bench.namespace();
      await bench.eventually(async () => (await accountOf(namespace)) !== undefined);
      const first = await accountOf(namespace);
      await bench.api.delete(SERVICE_ACCOUNT, { namespace, name: 'default' });
      await bench.eventually(async () => {
        const again = await accountOf(namespace);
        return again !== undefined && again.metadata.uid !== first?.metadata.uid;
      });
    });

    test('are terminating as long as something in them is held', async () => {
      const name = await bench.namespace();
      const key = { namespace: name, name: 'stubborn' };
      await bench.widget(name, 'stubborn', {}, { finalizers: ['x.dev/hold'] });
      await bench.api.delete(NAMESPACE, { name });
      const leaving = await read(name);
      expect(leaving).toMatchObject({
        spec: { finalizers: ['kubernetes'] },
        status: { phase: 'Terminating' },
      });
      expect(leaving.metadata.deletionTimestamp).toBeDefined();
      await bench.api.patch(WIDGET, key, { type: 'merge', body: { metadata: { finalizers: null } } });
      await bench.eventually(() =>
        read(name).then(
          () => false,
          (error) => isKubeError(error, 'NotFound'),
        ),
      );
    });
  });
}
