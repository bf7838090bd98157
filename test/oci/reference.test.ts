import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatReference, parseReference } from '../../src/oci/reference.ts';

const SHA256 = `sha256:${'0123456789abcdef'.repeat(4)}`;

describe('a reference is read as every container tool reads it', () => {
  test.each([
    ['registry.local/nubificus/esp32:2.0.0', 'registry.local', 'nubificus/esp32', '2.0.0', undefined],
    ['registry.local:5000/esp32', 'registry.local:5000', 'esp32', 'latest', undefined],
    ['registry.local:5000/esp32:1', 'registry.local:5000', 'esp32', '1', undefined],
    ['localhost/thermo', 'localhost', 'thermo', 'latest', undefined],
    ['[::1]:5000/thermo:1', '[::1]:5000', 'thermo', '1', undefined],
    [`registry.local/thermo@${SHA256}`, 'registry.local', 'thermo', undefined, SHA256],
    [`registry.local:5000/thermo:1.0@${SHA256}`, 'registry.local:5000', 'thermo', '1.0', SHA256],
    ['thermo', 'docker.io', 'library/thermo', 'latest', undefined],
    ['nubificus/thermo:1', 'docker.io', 'nubificus/thermo', '1', undefined],
    ['index.docker.io/nubificus/thermo:1', 'docker.io', 'nubificus/thermo', '1', undefined],
    [
      'harbor.nbfc.io/cloud-iot/o/r:resnet-4.4.4-ESP32_KEY3',
      'harbor.nbfc.io',
      'cloud-iot/o/r',
      'resnet-4.4.4-ESP32_KEY3',
      undefined,
    ],
  ] as const)('%s', (text, host, name, tag, digest) => {
    const parsed = parseReference(text);
    expect(parsed.ok && parsed.value).toEqual({
      host,
      name,
      ...(tag === undefined ? {} : { tag }),
      ...(digest === undefined ? {} : { digest }),
    });
  });
});

describe('a bad reference is refused at its place', () => {
  test.each([
    ['', 'reference'],
    ['https://registry.local/x:1', 'reference'],
    ['registry.local/UPPER:1', 'name'],
    ['registry.local/', 'name'],
    ['registry.local/a//b', 'name'],
    ['registry.local/a b', 'name'],
    ['registry.local/-a', 'name'],
    ['registry.local/a:', 'tag'],
    ['registry.local/a:.x', 'tag'],
    [`registry.local/a:${'x'.repeat(129)}`, 'tag'],
    ['registry.local:0/a', 'host'],
    ['registry.local:65536/a', 'host'],
    ['registry..local/a', 'host'],
    ['user:password@registry.local/a', 'digest'],
    ['registry.local/a@sha256:123', 'digest'],
    ['registry.local/a@md5:d41d8cd98f00b204e9800998ecf8427e', 'digest'],
    [`registry.local/a@${SHA256.toUpperCase()}`, 'digest'],
    [`registry.local/${'a'.repeat(256)}`, 'name'],
    ['a'.repeat(600), 'reference'],
  ])('%s', (text, place) => {
    const parsed = parseReference(text);
    expect(parsed).toMatchObject({ ok: false, refusal: { place } });
  });

  test('upper case is told apart from nonsense', () => {
    const parsed = parseReference('registry.local/Thermo');
    expect(!parsed.ok && parsed.refusal.message).toContain('lower case');
  });
});

const component = fc.stringMatching(/^[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,8}){0,2}$/);
const host = fc.oneof(
  fc.stringMatching(/^[a-z0-9]{1,8}(\.[a-z0-9]{1,8}){1,3}$/).filter((text) => text !== 'docker.io'),
  fc.constantFrom('localhost', '[::1]', '10.0.0.7'),
);
const port = fc.option(fc.integer({ min: 1, max: 65_535 }));

test('every well-formed reference survives being written and read', () => {
  fc.assert(
    fc.property(
      host,
      port,
      fc.array(component, { minLength: 1, maxLength: 4 }),
      fc.option(fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/), { nil: undefined }),
      fc.boolean(),
      (hostName, portNumber, parts, tag, pinned) => {
        const reference = {
          host: portNumber === null ? hostName : `${hostName}:${portNumber}`,
          name: parts.join('/'),
          ...(tag === undefined && !pinned ? { tag: 'latest' } : tag === undefined ? {} : { tag }),
          ...(pinned ? { digest: SHA256 as `sha256:${string}` } : {}),
        };
        expect(parseReference(formatReference(reference))).toEqual({ ok: true, value: reference });
      },
    ),
  );
});

test('what is accepted means the same when written out in full; nothing throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'aZ0.:/@-_[] '), maxLength: 40 }), (text) => {
      const parsed = parseReference(text);
      if (parsed.ok) expect(parseReference(formatReference(parsed.value))).toEqual(parsed);
    }),
    { numRuns: 2000 },
  );
});
