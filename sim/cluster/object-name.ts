import type { Random } from '../../src/random/random.ts';
import type { NameRule } from './resource.ts';

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** What is wrong with an object's name, in a real server's words; undefined when it is fine. Source: RFC 1123, RFC 1035; apimachinery, util/validation. */
export function nameComplaint(rule: NameRule, name: string): string | undefined {
  switch (rule) {
    case 'subdomain':
      if (name.length > 253) return 'must be no more than 253 characters';
      return SUBDOMAIN.test(name)
        ? undefined
        : `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`;
    case 'label':
      if (name.length > 63) return 'must be no more than 63 characters';
      return LABEL.test(name)
        ? undefined
        : "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
    case 'label-1035':
      if (name.length > 63) return 'must be no more than 63 characters';
      return LABEL_1035.test(name)
        ? undefined
        : "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
    case 'path-segment':
      return name === '.' || name === '..' || /[/%]/.test(name)
        ? `may not be "." or "..", or contain "/" or "%"`
        : undefined;
  }
}

export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && LABEL.test(text);
}

/** Source: apimachinery, util/validation. */
export const QUALIFIED_NAME_HINT =
  "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";

/** Source: apimachinery, util/validation. */
export const NAME_PART_HINT =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/** Source: apimachinery, util/validation. */
export const LABEL_VALUE_HINT =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** A name of up to 63 characters, optionally after a DNS subdomain and a slash. */
export function isQualifiedName(text: string): boolean {
  const [first = '', second, ...more] = text.split('/');
  if (more.length > 0 || (second !== undefined && !SUBDOMAIN.test(first))) return false;
  const name = second ?? first;
  return name.length <= 63 && /^[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?$/.test(name);
}

/** No vowels and no look-alikes, so that no word appears. Source: apimachinery, util/rand. */
const SUFFIX_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** `generateName` with five random characters; a base over 58 is cut so that the whole fits a label. */
export function generateName(base: string, random: Random): string {
  let suffix = '';
  for (let index = 0; index < 5; index++) suffix += SUFFIX_ALPHABET[random.int(SUFFIX_ALPHABET.length)];
  return base.slice(0, 58) + suffix;
}

const HEX = Buffer.from('0123456789abcdef', 'latin1');

/** A version 4 UUID. Built in a buffer, because a text of joined pieces would keep the pieces alive. */
export function newUid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const out = Buffer.allocUnsafe(36);
  let at = 0;
  for (let index = 0; index < 16; index++) {
    if (index === 4 || index === 6 || index === 8 || index === 10) out[at++] = 0x2d;
    const byte = bytes[index] as number;
    out[at++] = HEX[byte >>> 4] as number;
    out[at++] = HEX[byte & 15] as number;
  }
  return out.toString('latin1');
}

const LABEL_1035_COMPLAINT =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

/** What keeps a text from being a DNS-1035 label. */
export function labelComplaint(text: string): string | undefined {
  const complaints = [
    ...(text.length > 63 ? ['must be no more than 63 characters'] : []),
    ...(LABEL_1035.test(text) ? [] : [LABEL_1035_COMPLAINT]),
  ];
  return complaints.length === 0 ? undefined : complaints.join(',');
}
