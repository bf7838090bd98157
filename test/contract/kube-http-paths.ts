import { expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import type { Bench } from './kube.ts';
import { WIDGET } from './kube-widget.ts';
import type { Reply } from './wire.ts';

/** Paths, media types and spellings that programs of every age use on an API server. */
export function pathContract(bench: Bench): void {
  const map = (more: object = {}) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'm' },
    ...more,
  });
  const places = async () => {
    const namespace = await bench.namespace();
    return {
      namespace,
      maps: `/api/v1/namespaces/${namespace}/configmaps`,
      widgets: `/apis/${WIDGET.apiVersion}/namespaces/${namespace}/widgets`,
    };
  };
  const types = ({ status, body }: Reply): string[] => {
    expect(status).toBe(200);
    const lines = typeof body === 'string' ? body.split('\n').filter(Boolean) : [JSON.stringify(body)];
    return lines.map((line) => {
      const { type, object } = JSON.parse(line) as { type: string; object: { metadata: { name: string } } };
      return `${type} ${object.metadata.name}`;
    });
  };
  const briefly = { query: { timeoutSeconds: 1, fieldSelector: 'metadata.name!=kube-root-ca.crt' } };

  bench.needing('HTTP', 'watches by path', () => {
    test('`watch` in the path is a watch, of a namespace and of one object', async () => {
      const { namespace, maps, widgets } = await places();
      for (const name of ['a', 'b']) {
        await bench.wire.send('POST', maps, { body: map({ metadata: { name } }) });
        await bench.widget(namespace, name);
      }
      for (const path of [maps, widgets]) {
        const watched = path.replace('/namespaces/', '/watch/namespaces/');
        expect(types(await bench.wire.send('GET', watched, briefly))).toEqual(['ADDED a', 'ADDED b']);
      }
      const one = maps.replace('/namespaces/', '/watch/namespaces/');
      expect(types(await bench.wire.send('GET', `${one}/b`, { query: { timeoutSeconds: 1 } }))).toEqual([
        'ADDED b',
      ]);
    });

    test('`watch` in the path is a watch, of every namespace and of what is in none', async () => {
      const { namespace, maps } = await places();
      await bench.wire.send('POST', maps, { body: map() });
      const query = (fieldSelector: string) => ({ query: { timeoutSeconds: 1, fieldSelector } });
      const everywhere = query(`metadata.namespace=${namespace},metadata.name=m`);
      expect(types(await bench.wire.send('GET', '/api/v1/watch/configmaps', everywhere))).toEqual([
        'ADDED m',
      ]);
      const space = query(`metadata.name=${namespace}`);
      expect(types(await bench.wire.send('GET', '/api/v1/watch/namespaces', space))).toEqual([
        `ADDED ${namespace}`,
      ]);
    });

    test.each(['true', '1', 'yes', ''])('watch=%s is a watch', async (watch) => {
      const { maps } = await places();
      await bench.wire.send('POST', maps, { body: map() });
      const query = { ...briefly.query, watch };
      expect(types(await bench.wire.send('GET', maps, { query }))).toEqual(['ADDED m']);
    });

    test.each(['false', 'False', '0'])('watch=%s is a list', async (watch) => {
      const { maps } = await places();
      expect(await bench.wire.send('GET', maps, { query: { watch } })).toMatchObject({
        status: 200,
        body: { kind: 'ConfigMapList' },
      });
    });
  });

  bench.needing('HTTP', 'YAML in answers', () => {
    const headers = { accept: 'application/yaml' };

    test('objects, lists, discovery and refusals come as YAML when asked', async () => {
      const { maps } = await places();
      await bench.wire.send('POST', maps, { body: map({ data: { k: 'a: b' } }) });
      for (const [path, status, kind] of [
        [`${maps}/m`, 200, 'ConfigMap'],
        [maps, 200, 'ConfigMapList'],
        ['/apis/apps/v1', 200, 'APIResourceList'],
        [`${maps}/nobody`, 404, 'Status'],
      ] as const) {
        const reply = await bench.wire.send('GET', path, { headers });
        expect([reply.status, reply.headers['content-type']]).toEqual([status, 'application/yaml']);
        expect(parseYaml(String(reply.body))).toMatchObject({ kind });
      }
    });

    test('the first of several types wins', async () => {
      const { maps } = await places();
      const both = { accept: 'application/json, application/yaml' };
      expect(await bench.wire.send('GET', maps, { headers: both })).toMatchObject({
        headers: { 'content-type': 'application/json' },
      });
    });

    test('a watch has no YAML', async () => {
      const { maps } = await places();
      expect(await bench.wire.send('GET', maps, { headers, query: { watch: true } })).toMatchObject({
        status: 406,
      });
    });
  });

  bench.needing('HTTP', 'members that a body has twice', () => {
    const body = (kind: string, apiVersion: string): string =>
      `{"kind":"${kind}","apiVersion":"${apiVersion}","metadata":{"name":"m","labels":{"a":"1","b":"b","a":"2"},"annotations":{"b":"\\\\\\"","c":"\\\\"},"name":"m"}}`;
    const bodies = { maps: body('ConfigMap', 'v1'), widgets: body('Widget', WIDGET.apiVersion) };
    const doubled = ['metadata.labels.a', 'metadata.name'].map((path) => `duplicate field "${path}"`);

    test.each(['maps', 'widgets'] as const)('strictly, are refused (%s)', async (kind) => {
      const path = (await places())[kind];
      const query = { fieldValidation: 'Strict' };
      const { reason, message } = await bench.wire.refusal('POST', path, { body: bodies[kind], query });
      expect(reason).toBe('BadRequest');
      for (const one of doubled) expect(message).toContain(one);
    });

    test.each(['Warn', undefined])(
      'are warned of under fieldValidation=%s, and the last one counts',
      async (fieldValidation) => {
        const { maps } = await places();
        const query = fieldValidation === undefined ? {} : { fieldValidation };
        const reply = await bench.wire.send('POST', maps, { body: bodies.maps, query });
        expect(reply).toMatchObject({
          status: 201,
          body: { metadata: { labels: { a: '2', b: 'b' }, annotations: { b: '\\"', c: '\\' } } },
        });
        for (const one of doubled) expect(reply.headers.warning).toContain(one.replaceAll('"', '\\"'));
      },
    );

    test('are ignored when asked', async () => {
      const { maps } = await places();
      const query = { fieldValidation: 'Ignore' };
      const reply = await bench.wire.send('POST', maps, { body: bodies.maps, query });
      expect([reply.status, reply.headers.warning]).toEqual([201, undefined]);
    });

    test.each(['maps', 'widgets'] as const)('are refused in a merge patch, too (%s)', async (kind) => {
      const { namespace, [kind]: path, maps } = await places();
      await (kind === 'maps' ? bench.wire.send('POST', maps, { body: map() }) : bench.widget(namespace, 'm'));
      const { message } = await bench.wire.refusal('PATCH', `${path}/m`, {
        body: '{"metadata":{"labels":{"a":"1","a":"2"}}}',
        contentType: 'application/merge-patch+json',
        query: { fieldValidation: 'Strict' },
      });
      expect(message).toContain(doubled[0]);
    });
  });

  bench.needing('HTTP', 'what is passed on to nodes', () => {
    test('a Pod that is on no node has nobody to run a command', async () => {
      const { namespace } = await places();
      const pods = `/api/v1/namespaces/${namespace}/pods`;
      const containers = [{ name: 'c', image: 'i' }];
      const metadata = { name: 'p' };
      await bench.wire.send('POST', pods, {
        body: { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers } },
      });
      for (const subresource of ['exec', 'attach'])
        expect(
          await bench.wire.refusal('POST', `${pods}/p/${subresource}`, {
            query: { command: 'ls', stdout: true },
          }),
        ).toMatchObject({ reason: 'BadRequest', message: 'pod p does not have a host assigned' });
      for (const subresource of ['exec', 'log'])
        expect(await bench.wire.refusal('GET', `${pods}/nobody/${subresource}`)).toMatchObject({
          reason: 'NotFound',
          message: 'pods "nobody" not found',
        });
    });
  });

  bench.needing('HTTP', 'the root', () => {
    test('lists the paths of every group version', async () => {
      const { body } = await bench.wire.send('GET', '/');
      const { paths } = body as { paths: string[] };
      for (const path of ['/api', '/api/v1', '/apis/apps', '/apis/apps/v1', '/openapi/v3', '/version'])
        expect(paths).toContain(path);
      expect(paths).toContain(`/apis/${WIDGET.apiVersion}`);
    });
  });
}
