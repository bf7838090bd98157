/** Commands of the mask ROM and of esptool's flasher stub. Source: esptool, loader.py, ESP_CMDS. */
export const OPCODE = {
  flashBegin: 0x02,
  flashData: 0x03,
  flashEnd: 0x04,
  memBegin: 0x05,
  memEnd: 0x06,
  memData: 0x07,
  sync: 0x08,
  writeReg: 0x09,
  readReg: 0x0a,
  spiSetParams: 0x0b,
  spiAttach: 0x0d,
  /** Mask ROM only, 64 bytes at a time. */
  readFlashSlow: 0x0e,
  changeBaudRate: 0x0f,
  flashDeflBegin: 0x10,
  flashDeflData: 0x11,
  flashDeflEnd: 0x12,
  spiFlashMd5: 0x13,
  /** ESP32-S2 and later. */
  getSecurityInfo: 0x14,
  /** Flasher stub only, from here on. */
  eraseFlash: 0xd0,
  eraseRegion: 0xd1,
  readFlash: 0xd2,
  runUserCode: 0xd3,
  flashEncryptedData: 0xd4,
} as const;

export type OpcodeName = keyof typeof OPCODE;

const NAMES: ReadonlyMap<number, OpcodeName> = new Map(
  (Object.keys(OPCODE) as OpcodeName[]).map((name) => [OPCODE[name], name]),
);

/** The command a byte stands for; undefined for one that neither loader knows. */
export function opcodeName(opcode: number): OpcodeName | undefined {
  return NAMES.get(opcode);
}

/** Left when a chip is in secure download mode. Source: esptool docs, "Secure Download Mode". */
export const SECURE_DOWNLOAD_OPCODES: ReadonlySet<number> = new Set([
  OPCODE.sync,
  OPCODE.spiAttach,
  OPCODE.spiSetParams,
  OPCODE.changeBaudRate,
  OPCODE.flashBegin,
  OPCODE.flashData,
  OPCODE.flashEnd,
  OPCODE.getSecurityInfo,
]);

/** Second status byte of a mask ROM. Source: esptool docs, serial protocol, "ROM Loader Errors". */
export const ROM_ERROR = {
  undefinedError: 0x00,
  badParameter: 0x01,
  noMemory: 0x02,
  sendFailed: 0x03,
  receiveFailed: 0x04,
  invalidMessage: 0x05,
  failed: 0x06,
  badChecksum: 0x07,
  flashWrite: 0x08,
  flashRead: 0x09,
  flashReadLength: 0x0a,
  deflate: 0x0b,
  deflateAdler32: 0x0c,
  deflateParameter: 0x0d,
  ramSize: 0x0e,
  ramAddress: 0x0f,
} as const;

/** Second status byte of the flasher stub. Source: esptool docs, serial protocol, "Stub Loader Errors". */
export const STUB_ERROR = {
  badDataLength: 0xc0,
  badChecksum: 0xc1,
  badBlockSize: 0xc2,
  invalidCommand: 0xc3,
  spiOperation: 0xc4,
  spiUnlock: 0xc5,
  notInFlashMode: 0xc6,
  inflate: 0xc7,
  notEnoughData: 0xc8,
  tooMuchData: 0xc9,
  notImplemented: 0xff,
} as const;

const ERROR_WORDS: ReadonlyMap<number, string> = new Map([
  [ROM_ERROR.undefinedError, 'undefined error'],
  [ROM_ERROR.badParameter, 'a parameter is invalid'],
  [ROM_ERROR.noMemory, 'out of memory'],
  [ROM_ERROR.sendFailed, 'could not send'],
  [ROM_ERROR.receiveFailed, 'could not receive'],
  [ROM_ERROR.invalidMessage, 'the message is not valid here'],
  [ROM_ERROR.failed, 'the command was understood and failed'],
  [ROM_ERROR.badChecksum, 'the checksum does not fit the data'],
  [ROM_ERROR.flashWrite, 'flash does not hold what was written'],
  [ROM_ERROR.flashRead, 'flash could not be read'],
  [ROM_ERROR.flashReadLength, 'more than 64 bytes of flash asked for'],
  [ROM_ERROR.deflate, 'the compressed data is broken'],
  [ROM_ERROR.deflateAdler32, 'the Adler-32 of the compressed data is wrong'],
  [ROM_ERROR.deflateParameter, 'the inflator was called wrongly'],
  [ROM_ERROR.ramSize, 'the RAM image is too large'],
  [ROM_ERROR.ramAddress, 'the RAM image has no valid address'],
  [STUB_ERROR.badDataLength, 'the command has a wrong length'],
  [STUB_ERROR.badChecksum, 'the checksum does not fit the data'],
  [STUB_ERROR.badBlockSize, 'the block size is not allowed'],
  [STUB_ERROR.invalidCommand, 'unknown command'],
  [STUB_ERROR.spiOperation, 'the flash did not obey'],
  [STUB_ERROR.spiUnlock, 'the flash stays write-protected'],
  [STUB_ERROR.notInFlashMode, 'no write was begun'],
  [STUB_ERROR.inflate, 'the compressed data is broken'],
  [STUB_ERROR.notEnoughData, 'fewer bytes than announced'],
  [STUB_ERROR.tooMuchData, 'more bytes than announced'],
  [STUB_ERROR.notImplemented, 'this stub was built without the command'],
]);

/** A loader's error code in words, for people. */
export function describeLoaderError(code: number): string {
  return ERROR_WORDS.get(code) ?? `error 0x${code.toString(16).padStart(2, '0')}`;
}
