import { expect, test } from 'vitest';
import type { Bench } from './kube.ts';
import { WIDGET } from './kube-widget.ts';
import type { Reply } from './wire.ts';

/** Bodies, content types and paths that make no sense, and what a server says to them. */
export function bodyContract(bench: Bench): void {
  const widget = {
    apiVersion: WIDGET.apiVersion,
    kind: 'Widget',
    metadata: { name: 'w' },
    spec: { size: 1 },
  };
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' }, data: { a: '1' } };
  const places = async () => {
    const namespace = await bench.namespace();
    return {
      namespace,
      widgets: `/apis/${WIDGET.apiVersion}/namespaces/${namespace}/widgets`,
      maps: `/api/v1/namespaces/${namespace}/configmaps`,
    };
  };
  const says = (status: number, reason: string, message: RegExp | string) => ({
    status,
    body: {
      reason,
      message: typeof message === 'string' ? message : expect.stringMatching(message),
    },
  });

  bench.needing('HTTP', 'bodies', () => {
    const bodies: readonly (readonly [string, 'widgets' | 'maps', unknown, number, string, RegExp])[] = [
      [
        'broken JSON',
        'widgets',
        '{"a":',
        400,
        'BadRequest',
        /^the object provided is unrecognized \(must be of type Widget\): couldn't get version\/kind; json parse error: /,
      ],
      [
        'broken JSON',
        'maps',
        '{"a":',
        400,
        'BadRequest',
        /^the object provided is unrecognized \(must be of type ConfigMap\): couldn't get version\/kind; json parse error: /,
      ],
      [
        'a list',
        'widgets',
        '[]',
        400,
        'BadRequest',
        /^the object provided is unrecognized \(must be of type Widget\): .*cannot unmarshal array/,
      ],
      [
        'a text',
        'maps',
        '"x"',
        400,
        'BadRequest',
        /^the object provided is unrecognized \(must be of type ConfigMap\): .*cannot unmarshal string/,
      ],
      [
        'no kind',
        'widgets',
        { ...widget, kind: undefined },
        400,
        'BadRequest',
        /^the object provided is unrecognized \(must be of type Widget\): Object 'Kind' is missing in /,
      ],
      [
        'no apiVersion',
        'widgets',
        { ...widget, apiVersion: undefined },
        400,
        'BadRequest',
        /^the API version in the data \(\) does not match the expected API version \(contract\.brickproof\.dev\/v1\)$/,
      ],
      [
        'another version',
        'widgets',
        { ...widget, apiVersion: 'contract.brickproof.dev/v9' },
        400,
        'BadRequest',
        /^the API version in the data \(contract\.brickproof\.dev\/v9\) does not match/,
      ],
      ['another group', 'maps', { ...map, apiVersion: 'apps/v1' }, 400, 'BadRequest', /./],
      [
        'another kind',
        'maps',
        { ...map, kind: 'Secret' },
        400,
        'BadRequest',
        /^Secret in version "v1" cannot be handled as a ConfigMap: /,
      ],
      [
        'an unknown kind',
        'maps',
        { ...map, kind: 'Gadget' },
        400,
        'BadRequest',
        /^Gadget in version "v1" cannot be handled as a ConfigMap: no kind "Gadget" is registered/,
      ],
      [
        'a number for a text',
        'maps',
        { ...map, data: { a: 1 } },
        400,
        'BadRequest',
        /^ConfigMap in version "v1" cannot be handled as a ConfigMap: /,
      ],
      [
        'text for a map',
        'maps',
        { ...map, data: 'x' },
        400,
        'BadRequest',
        /^ConfigMap in version "v1" cannot be handled as a ConfigMap: /,
      ],
      [
        'what is no base64',
        'maps',
        { ...map, binaryData: { a: '!!' } },
        400,
        'BadRequest',
        /^ConfigMap in version "v1" cannot be handled as a ConfigMap: /,
      ],
      [
        'a number for a label',
        'maps',
        { ...map, metadata: { name: 'm', labels: { a: 1 } } },
        400,
        'BadRequest',
        /^ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal/,
      ],
      [
        'a number for a label',
        'widgets',
        { ...widget, metadata: { name: 'w', labels: { a: 1 } } },
        400,
        'BadRequest',
        /^Widget in version "v1" cannot be handled as a Widget: json: cannot unmarshal/,
      ],
      [
        'a number for the name',
        'widgets',
        { ...widget, metadata: { name: 5 } },
        400,
        'BadRequest',
        /^Widget in version "v1" cannot be handled as a Widget: json: cannot unmarshal number into Go struct field ObjectMeta.name of type string$/,
      ],
      [
        'text for the finalizers',
        'widgets',
        { ...widget, metadata: { name: 'w', finalizers: 'x' } },
        400,
        'BadRequest',
        /cannot unmarshal string into Go struct field ObjectMeta.finalizers of type \[\]string$/,
      ],
      [
        'text for the metadata',
        'widgets',
        { ...widget, metadata: 'x' },
        400,
        'BadRequest',
        /cannot unmarshal string into Go value of type v1.ObjectMeta$/,
      ],
      [
        'a version',
        'maps',
        { ...map, metadata: { name: 'm', resourceVersion: '5' } },
        500,
        '',
        /^resourceVersion should not be set on objects to be created$/,
      ],
      [
        'another namespace',
        'maps',
        { ...map, metadata: { name: 'm', namespace: 'other' } },
        400,
        'BadRequest',
        /^the namespace of the provided object does not match the namespace sent on the request$/,
      ],
    ];
    test.each(bodies)(
      '%s for one of the %s is refused',
      async (_title, place, body, status, reason, message) => {
        const { [place]: path } = await places();
        const reply = await bench.wire.send('POST', path, { body });
        expect(reply).toMatchObject({ status, body: { message: expect.stringMatching(message) } });
        if (reason !== '') expect(reply).toMatchObject({ body: { reason } });
      },
    );

    test('YAML is as good as JSON', async () => {
      const { maps } = await places();
      const body = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-yaml}\ndata: {a: "1"}\n';
      const reply = await bench.wire.send('POST', maps, { body, contentType: 'application/yaml' });
      expect(reply).toMatchObject({ status: 201, body: { data: { a: '1' } } });
    });

    test('in YAML, too, a text is no number', async () => {
      const { maps } = await places();
      const body = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-yaml}\ndata: {a: 1}\n';
      const reply = await bench.wire.send('POST', maps, { body, contentType: 'application/yaml' });
      expect(reply).toMatchObject(says(400, 'BadRequest', /^ConfigMap in version "v1" cannot be handled/));
    });

    test('broken YAML is refused', async () => {
      const { widgets } = await places();
      const reply = await bench.wire.send('POST', widgets, { body: 'a: [', contentType: 'application/yaml' });
      expect(reply).toMatchObject(
        says(400, 'BadRequest', /^the object provided is unrecognized \(must be of type Widget\): /),
      );
    });

    test('a built-in object may leave out its kind and version', async () => {
      const { maps } = await places();
      const reply = await bench.wire.send('POST', maps, { body: { metadata: { name: 'bare' } } });
      expect(reply).toMatchObject({ status: 201, body: { apiVersion: 'v1', kind: 'ConfigMap' } });
    });

    test('a body over three megabytes is not read', async () => {
      const { maps } = await places();
      const body = { ...map, data: { a: 'x'.repeat(3 * 1024 * 1024) } };
      const reply = await bench.wire.send('POST', maps, { body });
      expect(reply).toMatchObject(says(413, 'RequestEntityTooLarge', /limit is 3145728$/));
    });

    test('an object over a megabyte and a half cannot be stored', async () => {
      const { widgets } = await places();
      const body = { ...widget, spec: { size: 1, notes: 'x'.repeat(1600 * 1024) } };
      const reply = await bench.wire.send('POST', widgets, { body });
      expect(reply).toMatchObject({
        status: 500,
        body: { message: 'etcdserver: request is too large', code: 500 },
      });
    });

    test('broken patches are refused by their kind', async () => {
      const { widgets, maps } = await places();
      await bench.wire.send('POST', widgets, { body: widget });
      await bench.wire.send('POST', maps, { body: map });
      const patch = (path: string, contentType: string): Promise<Reply> =>
        bench.wire.send('PATCH', path, { body: '{', contentType });
      for (const type of ['merge-patch', 'json-patch'])
        expect(await patch(`${widgets}/w`, `application/${type}+json`)).toMatchObject(
          says(400, 'BadRequest', /^error decoding patch: /),
        );
      expect(await patch(`${maps}/m`, 'application/merge-patch+json')).toMatchObject(
        says(400, 'BadRequest', /^error decoding patch: /),
      );
    });
  });

  bench.needing('HTTP', 'content types', () => {
    test.each(['text/plain', 'application/xml', 'application/merge-patch+json'])(
      'a body of type %s is not taken',
      async (contentType) => {
        const { widgets, maps } = await places();
        for (const path of [widgets, maps])
          expect(await bench.wire.send('POST', path, { body: '{}', contentType })).toMatchObject(
            says(
              415,
              'UnsupportedMediaType',
              /^the body of the request was in an unknown format - accepted media types include: application\/json, application\/yaml/,
            ),
          );
      },
    );

    test.each(['application/json', 'text/plain', 'application/yaml'])(
      'a patch of type %s is not taken',
      async (contentType) => {
        const { widgets, maps } = await places();
        await bench.wire.send('POST', widgets, { body: widget });
        await bench.wire.send('POST', maps, { body: map });
        for (const path of [`${widgets}/w`, `${maps}/m`])
          expect(await bench.wire.send('PATCH', path, { body: {}, contentType })).toMatchObject({
            status: 415,
            body: { reason: 'UnsupportedMediaType' },
          });
      },
    );

    test.each(['text/plain', 'application/json;as=Table;v=v2;g=meta.k8s.io'])(
      'an answer as %s cannot be had',
      async (accept) => {
        const { widgets } = await places();
        expect(await bench.wire.send('GET', widgets, { headers: { accept } })).toMatchObject(
          says(406, 'NotAcceptable', /^only the following media types are accepted: application\/json/),
        );
      },
    );

    test.each([
      '*/*',
      'text/html, application/json;q=0.5',
      'application/json;as=Zap;v=v1;g=meta.k8s.io,application/json',
    ])('who takes %s gets JSON', async (accept) => {
      const { maps } = await places();
      await bench.wire.send('POST', maps, { body: map });
      expect(await bench.wire.send('GET', `${maps}/m`, { headers: { accept } })).toMatchObject({
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: { kind: 'ConfigMap' },
      });
    });
  });

  bench.needing('HTTP', 'paths', () => {
    test.each(['/apis/nothing.dev/v1/things', '/apis/contract.brickproof.dev/v1/things', '/nothing'])(
      '%s leads nowhere',
      async (path) => {
        expect((await bench.wire.send('GET', path)).status).toBe(404);
      },
    );

    test('a core kind that there is not is not found', async () => {
      const refusal = await bench.wire.refusal('GET', '/api/v1/things');
      expect(refusal).toEqual({
        reason: 'NotFound',
        code: 404,
        message: 'the server could not find the requested resource',
        causes: [],
      });
    });

    test('a subresource that there is not is not found', async () => {
      const { widgets, maps } = await places();
      await bench.wire.send('POST', widgets, { body: widget });
      await bench.wire.send('POST', maps, { body: map });
      expect((await bench.wire.refusal('GET', `${widgets}/w/nothing`)).message).toBe(
        'widgets.contract.brickproof.dev "w" not found',
      );
      expect((await bench.wire.refusal('GET', `${maps}/m/status`)).message).toBe(
        'the server could not find the requested resource',
      );
    });

    test.each([
      ['POST', '/m'],
      ['PATCH', ''],
      ['PUT', ''],
    ])('%s of configmaps%s is not allowed', async (method, name) => {
      const { maps } = await places();
      const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
      const refusal = await bench.wire.refusal(method, `${maps}${name}`, { body: map, contentType });
      expect(refusal).toMatchObject({
        reason: 'MethodNotAllowed',
        code: 405,
        message: 'the server does not allow this method on the requested resource',
      });
    });

    test('a custom kind wants a name where one is missing', async () => {
      const { widgets } = await places();
      expect(await bench.wire.refusal('PUT', widgets, { body: widget })).toMatchObject({
        reason: 'BadRequest',
        message: 'name must be provided',
      });
    });

    test('nothing can be created in all namespaces at once', async () => {
      expect((await bench.wire.send('POST', '/api/v1/configmaps', { body: map })).status).toBe(405);
      const widgets = `/apis/${WIDGET.apiVersion}/widgets`;
      expect((await bench.wire.send('POST', widgets, { body: widget })).status).toBe(404);
    });

    test('what is put where nothing is, is not created', async () => {
      const { widgets, maps } = await places();
      expect((await bench.wire.send('PUT', `${maps}/m`, { body: map })).status).toBe(404);
      expect((await bench.wire.send('PUT', `${widgets}/w`, { body: widget })).status).toBe(404);
    });

    test('the name in the body must be the one in the path', async () => {
      const { maps } = await places();
      await bench.wire.send('POST', maps, { body: map });
      const body = { ...map, metadata: { name: 'other' } };
      expect(await bench.wire.refusal('PUT', `${maps}/m`, { body })).toMatchObject({
        reason: 'BadRequest',
        message: 'the name of the object (other) does not match the name on the URL (m)',
      });
    });
  });
}
