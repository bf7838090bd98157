import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { protobufTable, TABLE_FILE } from './protobuf-fields.ts';

test('the table of protobuf fields is what the sources of Kubernetes say', () => {
  expect(readFileSync(TABLE_FILE, 'utf8')).toBe(protobufTable());
});
