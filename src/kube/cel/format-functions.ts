import { type Environment, Optional } from '@marcbachmann/cel-js';
import { FORMATS } from '../crd-schema-format.ts';
import { CelUrl } from './url-functions.ts';

/** What is wrong with a text, in words; nothing when it fits. */
type Complaints = (text: string) => readonly string[];

/** A format that a rule can hold texts against. */
class NamedFormat {
  readonly complaints: Complaints;

  constructor(complaints: Complaints) {
    this.complaints = complaints;
  }
}

/** What `format` is in `format.dns1123Label()`. */
class FormatNamespace {}

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';

/** Source: k8s.io/apimachinery v0.32, pkg/util/validation/validation.go. */
const matching =
  (pattern: string, length: number, what: string): Complaints =>
  (text) => {
    const complaints = text.length > length ? [`must be no more than ${length} characters`] : [];
    return new RegExp(`^(${pattern})$`).test(text)
      ? complaints
      : [...complaints, `${what} must match '${pattern}'`];
  };
const prefix =
  (complaints: Complaints): Complaints =>
  (text) =>
    complaints(text.endsWith('-') ? `${text.slice(0, -1)}a` : text);
const inSchema =
  (format: string, complaint: string): Complaints =>
  (text) =>
    FORMATS[format]?.(text) === true ? [] : [complaint];

const label = matching(LABEL, 63, 'a lowercase RFC 1123 label');
const subdomain = matching(SUBDOMAIN, 253, 'a lowercase RFC 1123 subdomain');
const label1035 = matching(LABEL_1035, 63, 'a DNS-1035 label');
const namePart = matching(QUALIFIED, 63, 'the name part');

function qualifiedName(text: string): readonly string[] {
  const parts = text.split('/');
  if (parts.length > 2)
    return ['a qualified name must be a name with an optional DNS subdomain prefix and a slash'];
  const domain = parts.length === 2 ? subdomain(parts[0] ?? '').map((one) => `prefix part ${one}`) : [];
  return [...domain, ...namePart(parts.at(-1) ?? '')];
}

/** Source: k8s.io/apiserver v0.32, pkg/cel/library/format.go. */
const NAMED: Readonly<Record<string, Complaints>> = {
  dns1123Label: label,
  dns1123Subdomain: subdomain,
  dns1035Label: label1035,
  qualifiedName,
  dns1123LabelPrefix: prefix(label),
  dns1123SubdomainPrefix: prefix(subdomain),
  dns1035LabelPrefix: prefix(label1035),
  labelValue: matching(`(${QUALIFIED})?`, 63, 'a valid label'),
  uri: (text) =>
    CelUrl.parse(text) === undefined ? [`parse ${JSON.stringify(text)}: invalid URI for request`] : [],
  uuid: inSchema('uuid', 'does not match the UUID format'),
  byte: inSchema('byte', 'invalid base64'),
  date: inSchema('date', 'invalid date'),
  datetime: inSchema('date-time', 'invalid datetime'),
};

export function addFormats(environment: Environment): void {
  const type = 'NamedFormat';
  environment
    .registerType(type, { ctor: NamedFormat, fields: {} })
    .registerType('FormatNamespace', { ctor: FormatNamespace, fields: {} })
    .registerConstant('format', 'FormatNamespace', new FormatNamespace());
  const add = (signature: string, handler: (...values: never[]) => unknown): void => {
    environment.registerFunction(signature, handler, { async: false });
  };
  for (const [name, complaints] of Object.entries(NAMED)) {
    const format = new NamedFormat(complaints);
    add(`FormatNamespace.${name}(): ${type}`, () => format);
  }
  add(`FormatNamespace.named(string): optional<${type}>`, (_: FormatNamespace, name: string) => {
    const complaints = Object.hasOwn(NAMED, name) ? NAMED[name] : undefined;
    return complaints === undefined ? Optional.none() : Optional.of(new NamedFormat(complaints));
  });
  add(`${type}.validate(string): optional<list<string>>`, (format: NamedFormat, text: string) => {
    const complaints = format.complaints(text);
    return complaints.length === 0 ? Optional.none() : Optional.of([...complaints]);
  });
}
