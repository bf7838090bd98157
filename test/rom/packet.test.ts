import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readBootLogLine } from '../../src/rom/boot-log.ts';
import { OPCODE } from '../../src/rom/opcodes.ts';
import {
  dataRequest,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  syncRequest,
} from '../../src/rom/packet.ts';
import { decodeSecurityInfo, encodeSecurityInfo } from '../../src/rom/security-info.ts';

const word = fc.integer({ min: 0, max: 0xffffffff });
const byte = fc.integer({ min: 0, max: 0xff });

test('the sync request is the one the protocol description prints', () => {
  expect(Buffer.from(encodeRequest(syncRequest())).toString('hex')).toBe(
    `000824000000000007071220${'55'.repeat(32)}`,
  );
});

test('requests and responses survive the trip', () => {
  fc.assert(
    fc.property(byte, word, fc.uint8Array({ maxLength: 64 }), (opcode, checksum, data) => {
      expect(decodeRequest(encodeRequest({ opcode, checksum, data }))).toEqual({
        ok: true,
        value: { opcode, checksum, data },
      });
    }),
  );
  fc.assert(
    fc.property(byte, word, fc.uint8Array({ maxLength: 64 }), byte, (opcode, value, data, error) => {
      for (const statusSize of [2, 4] as const) {
        const response = { opcode, value, data, failed: error !== 0, error };
        expect(decodeResponse(encodeResponse(response, statusSize), statusSize)).toEqual({
          ok: true,
          value: response,
        });
      }
    }),
  );
});

test('any bytes are a packet or a refusal', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (payload) => {
      const decoded = [decodeRequest(payload), decodeResponse(payload, 4)];
      for (const packet of decoded) if (!packet.ok) expect(packet.refusal.message.length).toBeGreaterThan(10);
    }),
    { numRuns: 1000 },
  );
});

test('a data request carries the XOR of its bytes only, started with EF', () => {
  const request = dataRequest(OPCODE.memData, 3, Uint8Array.of(1, 2, 4));
  expect(request.checksum).toBe(0xef ^ 7);
  expect([...request.data]).toEqual([3, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4]);
});

test('security info has twelve bytes on a chip that does not name itself and twenty elsewhere', () => {
  const long = {
    flags: 5,
    flashCryptCount: 1,
    keyPurposes: [9, 0, 0, 0, 0, 4, 12],
    chipId: 5,
    apiVersion: 3,
  };
  const short = { ...long, chipId: undefined, apiVersion: undefined };
  expect(decodeSecurityInfo(encodeSecurityInfo(long))).toEqual(long);
  expect(decodeSecurityInfo(encodeSecurityInfo(short))).toEqual(short);
  expect(encodeSecurityInfo(short).length).toBe(12);
  expect(decodeSecurityInfo(new Uint8Array(13))).toBeUndefined();
});

test('the lines of a mask ROM are recognised, and nothing else is', () => {
  expect(readBootLogLine('rst:0x1 (POWERON),boot:0x4 (DOWNLOAD(USB/UART0/1))')).toMatchObject({
    kind: 'reset',
    reason: 1,
    bootMode: 4,
  });
  expect(readBootLogLine('waiting for download\r')).toEqual({ kind: 'waiting-for-download' });
  expect(readBootLogLine('invalid header: 0xffffffff\r')).toEqual({
    kind: 'no-image',
    line: 'invalid header: 0xffffffff',
  });
  expect(readBootLogLine('I (27) boot: ESP-IDF v5.4')).toBeUndefined();
});
