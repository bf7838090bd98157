import type { NvsItem, NvsValue } from './nvs.ts';
import { NVS_INTEGERS, type NvsIntegerType } from './nvs-layout.ts';
import { accept, type Decoded, refuse } from './refusal.ts';

export type NvsCsvRefusal =
  | 'bad-header'
  | 'bad-row'
  | 'bad-value'
  | 'unknown-encoding'
  | 'no-file'
  | 'no-namespace';

/**
 * Reads the CSV of ESP-IDF's NVS generator: `key,type,encoding,value`, `#` comments, rows below their namespace.
 *
 * `readFile` gives the contents of rows of type `file`; undefined when there is no such file. `offset` of a refusal is
 * the line, from 1. Differs from the generator in two places: a namespace named again goes on where it was, and keys
 * of the Wi-Fi provisioning draft bring no extra entries.
 */
export function parseNvsCsv(
  text: string,
  readFile: (path: string) => Uint8Array | undefined = () => undefined,
): Decoded<NvsItem[], NvsCsvRefusal> {
  const items: NvsItem[] = [];
  let namespace: string | undefined;
  let sawHeader = false;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    if (raw.startsWith('#') || raw.trim() === '') continue;
    const fields = splitRow(raw);
    if (!sawHeader) {
      if (fields.slice(0, 4).join() !== 'key,type,encoding,value')
        return refuse('bad-header', line, `line ${line}: the first row must be key,type,encoding,value`);
      sawHeader = true;
      continue;
    }
    const [key = '', type = '', encoding = '', value = ''] = fields;
    if (key.length < 1 || key.length > 15)
      return refuse('bad-row', line, `line ${line}: names have 1 to 15 characters, not "${key}"`);
    if (type === 'namespace') {
      namespace = key;
      continue;
    }
    if (type !== 'data' && type !== 'file')
      return refuse('bad-row', line, `line ${line}: type is namespace, data or file, not "${type}"`);
    if (namespace === undefined)
      return refuse('no-namespace', line, `line ${line}: "${key}" stands before any namespace`);
    const file = type === 'file' ? readFile(value) : undefined;
    if (type === 'file' && file === undefined)
      return refuse('no-file', line, `line ${line}: cannot read "${value}"`);
    const parsed = parseValue(encoding, value, file);
    if (typeof parsed === 'string') {
      const what =
        parsed === 'unknown-encoding' ? `unknown encoding "${encoding}"` : `"${value}" is no ${encoding}`;
      return refuse(parsed, line, `line ${line}: ${what}`);
    }
    items.push({ namespace, key, ...parsed });
  }
  return accept(items);
}

/** The CSV that makes these items; blobs as hex2bin. */
export function formatNvsCsv(items: readonly NvsItem[]): string {
  const lines = ['key,type,encoding,value'];
  let namespace: string | undefined;
  for (const item of items) {
    if (item.namespace !== namespace) lines.push(`${item.namespace},namespace,,`);
    namespace = item.namespace;
    const value = item.type === 'blob' ? Buffer.from(item.value).toString('hex') : quote(String(item.value));
    lines.push(`${item.key},data,${item.type === 'blob' ? 'hex2bin' : item.type},${value}`);
  }
  return `${lines.join('\n')}\n`;
}

function parseValue(encoding: string, text: string, file: Uint8Array | undefined): NvsValue | NvsCsvRefusal {
  const content = file === undefined ? text : Buffer.from(file).toString('utf8');
  switch (encoding) {
    case 'string':
      return { type: 'string', value: content };
    case 'binary':
      return { type: 'blob', value: file ?? new TextEncoder().encode(text) };
    case 'hex2bin': {
      const hex = content.trim();
      if (!/^([0-9a-f]{2})*$/i.test(hex)) return 'bad-value';
      return { type: 'blob', value: Uint8Array.from(Buffer.from(hex, 'hex')) };
    }
    case 'base64':
      return { type: 'blob', value: Uint8Array.from(Buffer.from(content, 'base64')) };
    default: {
      if (!Object.hasOwn(NVS_INTEGERS, encoding)) return 'unknown-encoding';
      const type = encoding as NvsIntegerType;
      if (!/^\s*[+-]?\d{1,20}\s*$/.test(content)) return 'bad-value';
      const value = BigInt(content.trim().replace(/^\+/, ''));
      const { size, signed } = NVS_INTEGERS[type];
      const held = signed ? BigInt.asIntN(size * 8, value) : BigInt.asUintN(size * 8, value);
      return held === value ? { type, value } : 'bad-value';
    }
  }
}

/** Fields of one row; a field in quotes may hold commas, and quotes doubled. */
function splitRow(row: string): string[] {
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  for (let at = 0; at < row.length; at++) {
    const character = row.charAt(at);
    if (quoted) {
      if (character !== '"') field += character;
      else if (row[at + 1] === '"') field += row.charAt(++at);
      else quoted = false;
    } else if (character === '"' && field === '') quoted = true;
    else if (character === ',') {
      fields.push(field);
      field = '';
    } else field += character;
  }
  return [...fields, field];
}

function quote(text: string): string {
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
