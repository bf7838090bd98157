import { expect, test } from 'vitest';
import { parseFlasherArgs } from '../../src/oci/flasher-args.ts';

const parse = (value: unknown) => parseFlasherArgs(new TextEncoder().encode(JSON.stringify(value)));
const APP = { offset: '0x10000', file: 'app.bin', encrypted: 'false' };
const GOOD = {
  flash_settings: { flash_size: '512KB' },
  flash_files: { '0x10000': 'app.bin' },
  write_flash_args: [],
  storage: { offset: '0x3F0000', file: 'storage.bin' },
  app: APP,
  extra_esptool_args: { chip: 'esp32s2' },
};

test('files come in the order of flash, settings are not among them', () => {
  expect(parse(GOOD)).toEqual({
    ok: true,
    value: {
      chip: 'esp32s2',
      flashSizeBytes: 512 * 1024,
      files: [
        { name: 'app', file: 'app.bin', offsetBytes: 0x10000 },
        { name: 'storage', file: 'storage.bin', offsetBytes: 0x3f0000 },
      ],
    },
  });
});

test('a flash size that the build leaves to the flash chip is none', () => {
  const read = parse({ ...GOOD, flash_settings: { flash_size: 'keep' } });
  expect(read.ok && read.value.flashSizeBytes).toBe(undefined);
});

test.each<[object, string, string]>([
  [{ app: undefined }, 'app', 'malformed'],
  [{ app: { ...APP, file: '/etc/passwd' } }, 'app.file', 'unsafe-path'],
  [{ app: { ...APP, file: 'a/../../b' } }, 'app.file', 'unsafe-path'],
  [{ app: { ...APP, offset: '65536' } }, 'app.offset', 'malformed'],
  [{ app: 'app.bin' }, 'app', 'malformed'],
  [{ extra_esptool_args: {} }, 'extra_esptool_args.chip', 'malformed'],
  [{ flash_settings: { flash_size: '4 megabytes' } }, 'flash_settings.flash_size', 'malformed'],
])('what is wrong is refused at its place (%#)', (change, place, code) => {
  expect(parse({ ...GOOD, ...change })).toMatchObject({ ok: false, refusal: { place, code } });
});
