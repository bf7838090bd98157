import { expect, test } from 'vitest';
import { toHex } from '../../src/esp/byte-fields.ts';
import { brickproof, scratchFolder } from '../cli/command-line.ts';
import { peer } from './python-peers.ts';

const scratch = scratchFolder();

/** The partition table code of ESP-IDF's generator, as the Python index has it. */
const MAKE_TABLE = `
import sys
from esp_idf_defs import PartitionTable
table = PartitionTable.from_csv(open(sys.argv[1]).read())
table.verify()
open(sys.argv[2], 'wb').write(table.to_binary())
open(sys.argv[3], 'w').write(table.to_csv())
`;
const TABLES = {
  'one app': 'nvs,data,nvs,0x9000,0x6000\nphy_init,data,phy,0xf000,0x1000\nfactory,app,factory,0x10000,1M\n',
  'factory and two slots, offsets left out':
    '# Name, Type, SubType, Offset, Size, Flags\nnvs, data, nvs, , 0x4000\notadata, data, ota, , 0x2000\nphy_init, data, phy, , 0x1000\nfactory, app, factory, , 1M\nota_0, app, ota_0, , 1M\nota_1, app, ota_1, , 1M\n',
  'every flag and many types':
    'nvs,data,nvs,,24K\notadata,data,ota,,8K\nkeys,data,nvs_keys,,4K,encrypted\nro,data,nvs,,12K,readonly\ndump,data,coredump,,64K,encrypted\nota_0,app,ota_0,,512K\nota_1,app,ota_1,,512K,encrypted\nt,app,test,,64K\nfs,data,littlefs,,128K\nfat,data,fat,,1M,encrypted:readonly\nmine,0x40,0x17,,4K\nnamed_by_nothing,data,,,4K\n',
  'sixteen slots': `nvs,data,nvs,,24K\notadata,data,ota,,8K\n${Array.from({ length: 16 }, (_, slot) => `ota_${slot},app,ota_${slot},,64K\n`).join('')}`,
} as const;

test.each(Object.entries(TABLES))(
  "the table of %s is byte for byte that of ESP-IDF's generator",
  (_name, csv) => {
    const file = scratch.write('table.csv', csv);
    const [theirs, theirCsv, ours, ourCsv] = ['theirs.bin', 'theirs.csv', 'ours.bin', 'ours.csv'].map(
      scratch.path,
    ) as [string, string, string, string];
    peer('python3', '-c', MAKE_TABLE, file, theirs, theirCsv);
    expect(brickproof('partitions', 'make', file, '--out', ours)).toMatchObject({ exitCode: 0 });
    expect(toHex(scratch.read('ours.bin'))).toBe(toHex(scratch.read('theirs.bin')));
    expect(brickproof('partitions', 'make', theirs, '--out', ourCsv)).toMatchObject({ exitCode: 0 });
    expect(scratch.read('ours.csv')).toEqual(scratch.read('theirs.csv'));
  },
);

/** An otadata entry as another reader of the format writes it. */
const MAKE_OTADATA = `
import sys
from esp_idf_defs.otadata import OtaDataSelectEntry, OtaImageState
entry = OtaDataSelectEntry(int(sys.argv[1]), OtaImageState[sys.argv[2]])
open(sys.argv[3], 'wb').write(entry.to_bytes())
`;

test.each([
  ['ota_0', '1', 'NEW'],
  ['ota_1', '4', 'VALID'],
  ['ota_0', '77', 'UNDEFINED'],
])('an otadata entry for %s with sequence %s, %s, is what others make of it', (slot, sequence, state) => {
  peer('python3', '-c', MAKE_OTADATA, sequence, state, scratch.path('entry.bin'));
  brickproof(
    'otadata',
    'make',
    '--slot',
    slot,
    '--seq',
    sequence,
    '--state',
    state,
    '--out',
    scratch.path('otadata.bin'),
  );
  expect(toHex(scratch.read('otadata.bin').subarray(0, 32))).toBe(toHex(scratch.read('entry.bin')));
});

const HEADER = 'key,type,encoding,value\n';
const numbered = (count: number) =>
  Array.from({ length: count }, (_, index) => `key${index},data,u32,${index}\n`).join('');
const STORES = {
  'every encoding': `${HEADER}ns,namespace,,\na,data,u8,255\nb,data,i8,-128\nc,data,u16,65535\nd,data,i16,-1\ne,data,u32,4294967295\nf,data,i32,-2147483648\ng,data,u64,18446744073709551615\nh,data,i64,-9223372036854775808\ni,data,string,caf\u00e9\nj,data,hex2bin,00ff10\nk,data,base64,AAEC\nl,data,binary,raw\n`,
  'more than a page of numbers': `${HEADER}one,namespace,,\n${numbered(300)}two,namespace,,\n${numbered(20)}`,
  'blobs across pages': `${HEADER}ns,namespace,,\n${[1, 32, 100, 3968, 4000, 9000].map((size) => `b${size},data,hex2bin,${'5a'.repeat(size)}\n`).join('')}`,
  'long strings': `${HEADER}ns,namespace,,\n${[1, 31, 32, 1000, 3900].map((size) => `s${size},data,string,${'x'.repeat(size)}\n`).join('')}`,
} as const;

test.each(Object.entries(STORES))(
  "a store with %s is byte for byte that of ESP-IDF's generator",
  (_name, csv) => {
    const file = scratch.write('store.csv', csv);
    for (const size of ['0x8000', '0x10000']) {
      peer('python3', '-m', 'esp_idf_nvs_partition_gen', 'generate', file, scratch.path('theirs.bin'), size);
      expect(
        brickproof('nvs', 'make', file, '--size', size, '--out', scratch.path('ours.bin')),
      ).toMatchObject({ exitCode: 0 });
      expect(Buffer.compare(scratch.read('ours.bin'), scratch.read('theirs.bin')), size).toBe(0);
    }
  },
);

test('a store with the contents of a file is the same, too', () => {
  const value = scratch.write(
    'value.bin',
    Uint8Array.from({ length: 5000 }, (_, index) => index),
  );
  const file = scratch.write('store.csv', `${HEADER}ns,namespace,,\nblob,file,binary,${value}\n`);
  peer('python3', '-m', 'esp_idf_nvs_partition_gen', 'generate', file, scratch.path('theirs.bin'), '0x6000');
  brickproof('nvs', 'make', file, '--size', '0x6000', '--out', scratch.path('ours.bin'));
  expect(Buffer.compare(scratch.read('ours.bin'), scratch.read('theirs.bin'))).toBe(0);
});
