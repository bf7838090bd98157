import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HttpDoor } from '../../../sim/cluster/http/http-door.ts';
import { decodeProtobuf } from '../../../sim/cluster/http/protobuf.ts';
import { DEVICE_CRD } from '../../../src/kube/device.ts';
import { ClusterInTest } from '../cluster-in-test.ts';

const VECTORS = new URL('../../vectors/kubectl-protobuf.json', import.meta.url);
const { bodies } = JSON.parse(readFileSync(VECTORS, 'utf8')) as { bodies: Record<string, string> };
const vector = (path: string): Buffer => Buffer.from(bodies[path] ?? '', 'base64');

/** Written by hand: one length-delimited field. */
const field = (number: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
const envelope = (apiVersion: string, kind: string, raw: Uint8Array): Buffer =>
  Buffer.concat([
    Buffer.from('k8s\0'),
    field(1, Buffer.concat([field(1, Buffer.from(apiVersion)), field(2, Buffer.from(kind))])),
    field(2, raw),
  ]);

describe('what kubectl creates', () => {
  test.each([
    ['/api/v1/namespaces', { kind: 'Namespace', metadata: { name: 'x' } }],
    ['/api/v1/namespaces/x/configmaps', { data: { a: 'b' } }],
    ['/api/v1/namespaces/x/secrets', { data: { p: 'cQ==' } }],
    [
      '/api/v1/namespaces/x/services',
      {
        spec: {
          ports: [{ name: '80-8080', protocol: 'TCP', port: 80, targetPort: 8080 }],
          selector: { app: 'svc' },
          type: 'ClusterIP',
        },
      },
    ],
    [
      '/apis/apps/v1/namespaces/x/deployments',
      {
        spec: {
          replicas: 2,
          selector: { matchLabels: { app: 'd' } },
          template: { spec: { containers: [{ name: 'nginx', image: 'nginx' }] } },
        },
      },
    ],
    [
      '/apis/batch/v1/namespaces/x/cronjobs',
      {
        spec: {
          schedule: '*/5 * * * *',
          jobTemplate: { spec: { template: { spec: { restartPolicy: 'OnFailure' } } } },
        },
      },
    ],
    [
      '/apis/rbac.authorization.k8s.io/v1/namespaces/x/roles',
      { rules: [{ verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] }] },
    ],
  ])('%s reads as in JSON', (path, expected) => {
    expect(decodeProtobuf(vector(path))).toMatchObject({ ok: true, value: expected });
  });

  test('texts that were left out stay out', () => {
    const decoded = decodeProtobuf(vector('/api/v1/namespaces'));
    expect(decoded.ok && decoded.value.metadata).toEqual({ name: 'x' });
  });
});

describe('forms of their own', () => {
  test('times, texts of JSON and deletion options', () => {
    const time = Buffer.from([0x08, 0x80, 0xe2, 0xcf, 0xaa, 0x06]);
    const event = envelope('v1', 'Event', field(6, time));
    expect(decodeProtobuf(event)).toMatchObject({ value: { firstTimestamp: '2023-11-14T22:13:20Z' } });
    const revision = envelope('apps/v1', 'ControllerRevision', field(2, field(1, Buffer.from('{"a":[1]}'))));
    expect(decodeProtobuf(revision)).toMatchObject({ value: { data: { a: [1] } } });
    const options = Buffer.concat([Buffer.from([0x08, 0x00]), field(4, Buffer.from('Foreground'))]);
    expect(decodeProtobuf(envelope('v1', 'DeleteOptions', options))).toMatchObject({
      value: { gracePeriodSeconds: 0, propagationPolicy: 'Foreground' },
    });
  });
});

describe('bytes that are no message', () => {
  test.each([
    ['no magic', Buffer.from('{"kind":"Pod"}'), /expected prefix/],
    ['an unknown kind', envelope('v1', 'Gadget', new Uint8Array(0)), /no kind "Gadget"/],
    ['a length beyond the end', envelope('v1', 'Pod', Buffer.from([0x0a, 0x7f])), /Pod: unexpected EOF/],
    ['a number where a text belongs', envelope('v1', 'Secret', Buffer.from([0x18, 1])), /wrong wireType/],
    ['an endless number', envelope('v1', 'Pod', Buffer.alloc(12, 0xff)), /integer overflow/],
  ])('%s is refused', (_title, bytes, why) => {
    expect(decodeProtobuf(bytes)).toMatchObject({ ok: false, error: expect.stringMatching(why) });
  });

  test('whatever comes, nothing is thrown', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(decodeProtobuf(bytes).ok).toBe(false);
        expect(typeof decodeProtobuf(envelope('v1', 'Pod', bytes.subarray(0, 120))).ok).toBe('boolean');
      }),
    );
  });

  test('a recorded body with one byte changed is read or refused, never more', () => {
    const body = vector('/apis/apps/v1/namespaces/x/deployments');
    fc.assert(
      fc.property(fc.nat(body.length - 1), fc.nat(255), (at, byte) => {
        const broken = Buffer.from(body);
        broken[at] = byte;
        expect(typeof decodeProtobuf(broken).ok).toBe('boolean');
      }),
    );
  });
});

describe('over HTTP', () => {
  const { cluster } = new ClusterInTest();
  const door = new HttpDoor(cluster);
  let url = '';
  beforeAll(async () => {
    url = await door.listen();
  });
  afterAll(() => door.close());
  const post = (path: string, body: Buffer): Promise<Response> =>
    fetch(url + path, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/vnd.kubernetes.protobuf',
        Accept: 'application/vnd.kubernetes.protobuf,application/json',
      },
      body: Uint8Array.from(body),
    });

  test('an object that comes in protobuf is answered in JSON', async () => {
    expect((await post('/api/v1/namespaces', vector('/api/v1/namespaces'))).status).toBe(201);
    const path = '/apis/apps/v1/namespaces/x/deployments';
    const response = await post(path, vector(path));
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({ kind: 'Deployment', spec: { replicas: 2 } });
  });

  test('a custom kind takes none', async () => {
    await cluster.api().create(
      {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        plural: 'customresourcedefinitions',
        namespaced: false,
      },
      DEVICE_CRD as never,
    );
    const response = await post(
      '/apis/fleet.brickproof.dev/v1alpha1/namespaces/x/devices',
      Buffer.from('k8s\0'),
    );
    expect(response.status).toBe(415);
  });

  test('a broken body is a bad request', async () => {
    const response = await post('/api/v1/namespaces', Buffer.from('k8s\0\x0a\x7f'));
    expect(response.status).toBe(400);
  });
});
