import { describe, expect, test } from 'vitest';
import type { Bench } from './kube.ts';
import { WIDGET } from './kube-widget.ts';

/** By which fields objects of a kind can be selected, and what is said of the others. */
export function fieldSelectorContract(bench: Bench): void {
  bench.needing('HTTP', 'field selectors', () => {
    const inNamespace = async (group: string, plural: string): Promise<string> =>
      `/${group}/namespaces/${await bench.namespace()}/${plural}`;
    const select = (path: string, fieldSelector: string) =>
      bench.wire.send('GET', path, { query: { fieldSelector } });
    const unsupported = (field: string): string => `field label not supported: ${field}`;
    const unknown = (field: string): string =>
      `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`;

    describe.each([
      [
        'pods',
        'api/v1',
        [
          'spec.nodeName',
          'status.phase',
          'spec.restartPolicy',
          'spec.schedulerName',
          'spec.serviceAccountName',
        ].concat(['status.podIP', 'status.podIPs', 'status.nominatedNodeName', 'spec.hostNetwork']),
        unsupported,
      ],
      ['services', 'api/v1', ['spec.clusterIP', 'spec.type'], unsupported],
      ['secrets', 'api/v1', ['type'], unsupported],
      ['configmaps', 'api/v1', [], unknown],
      ['serviceaccounts', 'api/v1', [], unknown],
      [
        'jobs',
        'apis/batch/v1',
        ['status.successful'],
        (field: string) => `field label "${field}" not supported for Job`,
      ],
      ['cronjobs', 'apis/batch/v1', [], unknown],
      ['deployments', 'apis/apps/v1', [], unknown],
      ['replicasets', 'apis/apps/v1', [], unknown],
      ['daemonsets', 'apis/apps/v1', [], unknown],
      ['leases', 'apis/coordination.k8s.io/v1', [], unknown],
      ['roles', 'apis/rbac.authorization.k8s.io/v1', [], unknown],
      ['widgets', `apis/${WIDGET.apiVersion}`, [], unsupported],
      [
        'events',
        'api/v1',
        ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath']
          .map((name) => `involvedObject.${name}`)
          .concat(['reason', 'reportingComponent', 'source', 'type']),
        unsupported,
      ],
      [
        'events',
        'apis/events.k8s.io/v1',
        ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath']
          .map((name) => `regarding.${name}`)
          .concat(['reason', 'reportingController', 'type']),
        unsupported,
      ],
    ] as const)('%s of %s', (plural, group, fields, words) => {
      test('can be selected by these', async () => {
        const path = await inNamespace(group, plural);
        for (const field of ['metadata.name', 'metadata.namespace', ...fields])
          expect([field, (await select(path, `${field}=x`)).status]).toEqual([field, 200]);
      });

      test('and by no others, wherever they stand', async () => {
        const path = await inNamespace(group, plural);
        for (const selector of ['spec.nope=1', 'metadata.name=x,spec.nope!=1'])
          expect(await select(path, selector)).toMatchObject({
            status: 400,
            body: { reason: 'BadRequest', message: words('spec.nope') },
          });
      });
    });

    test.each([
      ['/api/v1/namespaces', ['status.phase'], unsupported],
      ['/api/v1/nodes', ['spec.unschedulable'], unsupported],
      ['/apis/apiextensions.k8s.io/v1/customresourcedefinitions', [], unknown],
      ['/apis/rbac.authorization.k8s.io/v1/clusterroles', [], unknown],
    ])('%s can be selected by %j besides', async (path, fields, words) => {
      for (const field of ['metadata.name', ...fields])
        expect([field, (await select(path, `${field}=x`)).status]).toEqual([field, 200]);
      expect((await select(path, 'spec.nope=x')).body).toMatchObject({ message: words('spec.nope') });
    });

    test('one Event is in two groups, under the names of each', async () => {
      const namespace = await bench.namespace();
      const [core, newer] = ['api/v1', 'apis/events.k8s.io/v1'].map(
        (group) => `/${group}/namespaces/${namespace}/events`,
      ) as [string, string];
      const about = { kind: 'Pod', name: 'p', namespace, apiVersion: 'v1' };
      const at = '2026-01-01T00:00:00Z';
      await bench.wire.send('POST', core, {
        body: {
          metadata: { name: 'old' },
          ...{ involvedObject: about, reason: 'R', message: 'm', type: 'Normal', count: 2 },
          ...{ source: { component: 'x' }, firstTimestamp: at, lastTimestamp: at },
        },
      });
      await bench.wire.send('POST', newer, {
        body: {
          metadata: { name: 'new' },
          ...{ regarding: about, reason: 'S', note: 'n', type: 'Warning', action: 'Act' },
          ...{
            reportingController: 'c.dev/x',
            reportingInstance: 'i',
            eventTime: '2026-01-01T00:00:00.000000Z',
          },
        },
      });
      expect((await bench.wire.send('GET', `${newer}/old`)).body).toMatchObject({
        apiVersion: 'events.k8s.io/v1',
        ...{ regarding: about, reason: 'R', note: 'm', deprecatedCount: 2 },
        ...{ deprecatedSource: { component: 'x' }, deprecatedFirstTimestamp: at },
      });
      expect((await bench.wire.send('GET', `${core}/new`)).body).toMatchObject({
        apiVersion: 'v1',
        ...{ involvedObject: about, reason: 'S', message: 'n', action: 'Act' },
        ...{ reportingComponent: 'c.dev/x', reportingInstance: 'i' },
      });
      const names = async (path: string, selector: string): Promise<string[]> => {
        const { items } = (await select(path, selector)).body as { items: { metadata: { name: string } }[] };
        return items.map(({ metadata }) => metadata.name);
      };
      expect(await names(core, 'involvedObject.name=p')).toEqual(['new', 'old']);
      expect(await names(newer, 'regarding.name=p,type!=Normal')).toEqual(['new']);
      expect(await names(core, 'source=x')).toEqual(['old']);
      expect(await names(core, 'source=c.dev/x')).toEqual(['new']);
      expect(await names(core, 'reportingComponent=x')).toEqual([]);
      expect(await names(newer, 'reportingController=c.dev/x')).toEqual(['new']);
    });
  });
}
