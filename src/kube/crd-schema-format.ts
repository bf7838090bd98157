import { parseDuration } from './cel/duration.ts';
import { CelUrl } from './cel/url-functions.ts';

/**
 * The string formats that are enforced; an API server ignores names it does not know, and so do we, and
 * it enforces none of numbers.
 * Source: k8s.io/kube-openapi, validation/strfmt/default.go, and govalidator's patterns behind it.
 */
export const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  'date-time': isDateTime,
  datetime: isDateTime,
  date: isDate,
  duration: (text) => parseDuration(text) !== undefined,
  byte: (text) => /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/.test(text),
  uuid: uuid(''),
  uuid3: uuid('3'),
  uuid4: uuid('4', '[89ab]'),
  uuid5: uuid('5', '[89ab]'),
  ipv4: isIpv4,
  ipv6: isIpv6,
  cidr: isCidr,
  mac: isMac,
  hostname: (text) =>
    HOSTNAME.test(text) && text.length <= 255 && text.split('.').every(({ length }) => length <= 63),
  email: (text) => /^([^<>@]*<[^\s@<>]+@[^\s@<>]+>|[^\s@<>]+@[^\s@<>]+)$/.test(text),
  uri: (text) => CelUrl.parse(text) !== undefined,
  hexcolor: (text) => /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.test(text),
  rgbcolor: (text) =>
    /^rgb\((\s*\d{1,3}\s*,){2}\s*\d{1,3}\s*\)$/.test(text) &&
    (text.match(/\d+/g) ?? []).every((part) => Number(part) <= 255 && String(Number(part)) === part),
  creditcard: isCreditCard,
  isbn: (text) => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  ssn: (text) => /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(text),
};

const HOSTNAME =
  /^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9\-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})$/u;

function isDate(text: string): boolean {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}

function isDateTime(text: string): boolean {
  const match = /^(.{10})t(\d{2}):(\d{2}):(\d{2})(\.\d+)?(z|[+-]\d{2}:\d{2})$/i.exec(text);
  if (match === null) return false;
  const [, day = '', hour = '', minute = '', second = ''] = match;
  return isDate(day) && hour <= '23' && minute <= '59' && second <= '59';
}

function uuid(version: string, variant = '[0-9a-f]'): (text: string) => boolean {
  const third = version === '' ? '[0-9a-f]{4}' : `${version}[0-9a-f]{3}`;
  const pattern = new RegExp(
    `^[0-9a-f]{8}-?[0-9a-f]{4}-?${third}-?${variant}[0-9a-f]{3}-?[0-9a-f]{12}$`,
    'i',
  );
  return (text) => pattern.test(text);
}

/** Leading zeros are taken, as by Go before 1.17. */
function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^\d+$/.test(part) && Number(part) <= 255);
}

function isIpv6(text: string): boolean {
  return text.includes(':') && URL.canParse(`http://[${text}]/`);
}

function isCidr(text: string): boolean {
  const [address = '', length = '', ...rest] = text.split('/');
  if (rest.length > 0 || !/^\d{1,3}$/.test(length)) return false;
  return (isIpv4(address) && Number(length) <= 32) || (isIpv6(address) && Number(length) <= 128);
}

/** Six, eight or twenty bytes, by colons or hyphens one by one, or by points two by two. */
function isMac(text: string): boolean {
  const parts = text.split(/[:.-]/);
  if (text.includes('.'))
    return /^[0-9a-f]{4}(\.[0-9a-f]{4})*$/i.test(text) && [3, 4, 10].includes(parts.length);
  return /^[0-9a-f]{2}([:-])[0-9a-f]{2}(\1[0-9a-f]{2})*$/i.test(text) && [6, 8, 20].includes(parts.length);
}

const CARD_ISSUERS =
  /^(4\d{12}(\d{3})?|5[1-5]\d{14}|6(011|5\d\d)\d{12}|3[47]\d{13}|3(0[0-5]|[68]\d)\d{11}|(2131|1800|35\d{3})\d{11})$/;

/** Of a known issuer, and with the right Luhn digit; whatever is no digit does not count. */
function isCreditCard(text: string): boolean {
  const digits = text.replaceAll(/\D/g, '');
  if (!CARD_ISSUERS.test(digits)) return false;
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 1 : 2);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

function isIsbn10(text: string): boolean {
  const digits = text.replaceAll(/[\s-]/g, '');
  if (!/^\d{9}[\dX]$/.test(digits)) return false;
  const sum = [...digits].reduce(
    (total, digit, index) => total + (digit === 'X' ? 10 : Number(digit)) * (10 - index),
    0,
  );
  return sum % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const digits = text.replaceAll(/[\s-]/g, '');
  if (!/^\d{13}$/.test(digits)) return false;
  return (
    [...digits].reduce((total, digit, index) => total + Number(digit) * (index % 2 === 0 ? 1 : 3), 0) % 10 ===
    0
  );
}
