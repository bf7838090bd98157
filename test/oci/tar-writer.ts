export interface TarMember {
  readonly path: string;
  readonly content?: Uint8Array;
  /** ustar type flag; default a regular file. */
  readonly type?: string;
}

/** Writes plain ustar with pax records for long paths; small on purpose, for archives tests read back. */
export function writeTar(members: readonly TarMember[]): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (const { path, content = new Uint8Array(0), type = '0' } of members) {
    if (new TextEncoder().encode(path).length > 100) {
      const record = paxRecord('path', path);
      blocks.push(header('pax', record.length, 'x'), padded(record));
    }
    blocks.push(header(path, content.length, type), padded(content));
  }
  blocks.push(new Uint8Array(1024));
  return Uint8Array.from(Buffer.concat(blocks));
}

function header(path: string, size: number, type: string): Uint8Array {
  const block = new Uint8Array(512);
  const put = (offset: number, text: string): void => block.set(new TextEncoder().encode(text), offset);
  block.set(new TextEncoder().encode(path).subarray(0, 100), 0);
  put(100, '0000644\0');
  put(124, `${size.toString(8).padStart(11, '0')}\0`);
  put(148, '        ');
  put(156, type);
  put(257, 'ustar\x0000');
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, '0')}\0 `);
  return block;
}

function padded(content: Uint8Array): Uint8Array {
  const out = new Uint8Array(Math.ceil(content.length / 512) * 512);
  out.set(content);
  return out;
}

function paxRecord(key: string, value: string): Uint8Array {
  const rest = new TextEncoder().encode(` ${key}=${value}\n`);
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Uint8Array.from(Buffer.concat([Buffer.from(String(length)), rest]));
}
