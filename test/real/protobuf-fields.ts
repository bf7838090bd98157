import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KUBERNETES_VERSION } from './kube-apiserver.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
export const TABLE_FILE = join(HERE, '../../sim/cluster/http/protobuf-fields.ts');

/** Go packages with the messages, by the names that the table gives them. */
const PACKAGES: Readonly<Record<string, readonly [module: string, folder: string]>> = {
  'core.v1': ['k8s.io/api', 'core/v1'],
  'apps.v1': ['k8s.io/api', 'apps/v1'],
  'batch.v1': ['k8s.io/api', 'batch/v1'],
  'rbac.v1': ['k8s.io/api', 'rbac/v1'],
  'coordination.v1': ['k8s.io/api', 'coordination/v1'],
  'events.v1': ['k8s.io/api', 'events/v1'],
  'authentication.v1': ['k8s.io/api', 'authentication/v1'],
  'authorization.v1': ['k8s.io/api', 'authorization/v1'],
  'autoscaling.v1': ['k8s.io/api', 'autoscaling/v1'],
  'meta.v1': ['k8s.io/apimachinery', 'pkg/apis/meta/v1'],
  runtime: ['k8s.io/apimachinery', 'pkg/runtime'],
  intstr: ['k8s.io/apimachinery', 'pkg/util/intstr'],
  resource: ['k8s.io/apimachinery', 'pkg/api/resource'],
  'apiextensions.v1': ['k8s.io/apiextensions-apiserver', 'pkg/apis/apiextensions/v1'],
};

/** Bodies that clients send; what they consist of follows. */
const ROOTS =
  `core.v1.Namespace core.v1.Node core.v1.Pod core.v1.Binding core.v1.Service core.v1.ConfigMap core.v1.Secret
  core.v1.ServiceAccount core.v1.Event events.v1.Event coordination.v1.Lease apps.v1.Deployment apps.v1.ReplicaSet
  apps.v1.DaemonSet apps.v1.ControllerRevision batch.v1.Job batch.v1.CronJob rbac.v1.Role rbac.v1.RoleBinding
  rbac.v1.ClusterRole rbac.v1.ClusterRoleBinding autoscaling.v1.Scale authentication.v1.TokenRequest
  authentication.v1.TokenReview authentication.v1.SelfSubjectReview authorization.v1.SubjectAccessReview
  authorization.v1.SelfSubjectAccessReview authorization.v1.LocalSubjectAccessReview
  authorization.v1.SelfSubjectRulesReview apiextensions.v1.CustomResourceDefinition meta.v1.DeleteOptions`.split(
    /\s+/,
  );

const SCALARS: Readonly<Record<string, string>> = {
  string: 's',
  bool: 'b',
  bytes: 'y',
  double: 'd',
  int32: 'i',
  int64: 'i',
  uint32: 'i',
  uint64: 'i',
};

interface GoField {
  readonly json: string;
  readonly keepsZero: boolean;
}

/** The text of `TABLE_FILE`, from the sources of the Kubernetes version that the referee is built of. */
export function protobufTable(): string {
  const messages = new Map<string, string>();
  const parsed = new Map<string, { fields: ReadonlyMap<string, string>; go: GoFields }>();
  const packageOf = (name: string) => {
    const known = parsed.get(name);
    if (known !== undefined) return known;
    const [module, folder] = PACKAGES[name] ?? [];
    if (module === undefined || folder === undefined) throw new Error(`no package ${name}`);
    const root = go('list', '-m', '-f', '{{.Dir}}', module).trim();
    const made = { fields: protoMessages(join(root, folder)), go: goFields(join(root, folder)) };
    parsed.set(name, made);
    return made;
  };
  const visit = (message: string): void => {
    if (messages.has(message)) return;
    const dot = message.lastIndexOf('.');
    const [packageName, name] = [message.slice(0, dot), message.slice(dot + 1)];
    const { fields, go: tags } = packageOf(packageName);
    const body = fields.get(name);
    if (body === undefined) throw new Error(`no message ${message}`);
    messages.set(message, '');
    const found: string[] = [];
    const next: string[] = [];
    const pattern = /^\s*(?:optional|repeated)?\s*(map<string,\s*)?([\w.]+)(>)?\s+(\w+)\s*=\s*(\d+);/gm;
    for (const [line, map, type = '', , proto = '', number = ''] of body.matchAll(pattern)) {
      const tag = tags.get(`${name}.${number}`);
      const target = SCALARS[type] ?? resolve(type, packageName);
      if (SCALARS[type] === undefined) next.push(target);
      const kind = map !== undefined ? '%' : line.trim().startsWith('repeated') ? '*' : '';
      const json = tag === undefined ? proto : tag.json === '' ? '.' : tag.json;
      found.push(`${json}:${number}:${kind}${target}${tag?.keepsZero === true ? '!' : ''}`);
    }
    messages.set(message, found.join(' '));
    for (const one of next) visit(one);
  };
  for (const root of ROOTS) visit(root);
  const lines = [...messages].sort(([left], [right]) => (left < right ? -1 : 1));
  return `/*
 * The fields of the protobuf messages that clients send for built-in kinds. Made by test/real/protobuf-fields.ts
 * from generated.proto and the struct tags of Kubernetes ${KUBERNETES_VERSION}; not to be edited by hand.
 *
 * One message a line: its name, then \`json:number:type\` of each field. Types: s text, i whole number, b boolean,
 * d number, y bytes, or a message; \`*\` before it says list, \`%\` map, and \`!\` after it that JSON keeps zero values,
 * which are left out elsewhere. A field without a name of its own in JSON, its members standing there instead, is \`.\`.
 */
export const PROTOBUF_FIELDS = \`
${lines.map(([name, fields]) => `${name} ${fields}`.trim()).join('\n')}
\`;
`;
}

type GoFields = ReadonlyMap<string, GoField>;

function resolve(type: string, from: string): string {
  if (!type.startsWith('.')) return `${from}.${type}`;
  const dot = type.lastIndexOf('.');
  const path = type.slice(1, dot).replace(/^k8s\.io\./, '');
  const found = Object.entries(PACKAGES).find(([, [module, folder]]) => {
    const dotted = `${module.slice('k8s.io/'.length)}/${folder}`.replaceAll('/', '.').replaceAll('-', '_');
    return dotted === path || dotted === path.replaceAll('-', '_');
  });
  if (found === undefined) throw new Error(`no package for ${type}`);
  return `${found[0]}${type.slice(dot)}`;
}

function protoMessages(folder: string): ReadonlyMap<string, string> {
  const text = readFileSync(join(folder, 'generated.proto'), 'utf8').replaceAll(/^\s*\/\/.*$/gm, '');
  return new Map(
    [...text.matchAll(/^message (\w+) \{([\s\S]*?)^\}/gm)].map(([, name = '', body = '']) => [name, body]),
  );
}

/** What JSON calls each field, by struct and protobuf number. */
function goFields(folder: string): GoFields {
  const fields = new Map<string, GoField>();
  for (const file of readdirSync(folder)) {
    if (!file.endsWith('.go') || file.endsWith('_test.go') || !existsSync(join(folder, file))) continue;
    const text = readFileSync(join(folder, file), 'utf8');
    for (const [, struct = '', body = ''] of text.matchAll(/^type (\w+) struct \{([\s\S]*?)^\}/gm))
      for (const [, type = '', json = '', number = ''] of body.matchAll(
        /^\s*(?:\w+\s+)?([*\w.[\]]+)\s+`json:"([^"]*)"\s+protobuf:"\w+,(\d+),/gm,
      )) {
        const [name = '', ...options] = json.split(',');
        const keepsZero = type.startsWith('*') || !options.includes('omitempty');
        fields.set(`${struct}.${number}`, { json: options.includes('inline') ? '' : name, keepsZero });
      }
  }
  return fields;
}

function go(...args: readonly string[]): string {
  return execFileSync('go', args, { cwd: join(HERE, 'kube-apiserver'), encoding: 'utf8' });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(TABLE_FILE, protobufTable());
