import type { Environment } from '@marcbachmann/cel-js';

/** The parts of an absolute URI or of an absolute path, as Go's net/url tells them apart. */
export class CelUrl {
  readonly text: string;
  readonly scheme: string;
  /** Host and port as written. */
  readonly host: string;
  readonly path: string;
  readonly query: string;

  constructor(text: string, scheme: string, host: string, path: string, query: string) {
    this.text = text;
    this.scheme = scheme;
    this.host = host;
    this.path = path;
    this.query = query;
  }

  /** Undefined for what is neither an absolute URI nor an absolute path. */
  static parse(text: string): CelUrl | undefined {
    const match = /^(?:([A-Za-z][\w+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(text);
    if (match === null || hasControls(text)) return undefined;
    const [, scheme = '', authority, path = '', query = ''] = match;
    if (scheme === '' && !text.startsWith('/')) return undefined;
    if (/%(?![0-9A-Fa-f]{2})/.test(path)) return undefined;
    const host = hostOf(authority ?? '');
    return host === undefined ? undefined : new CelUrl(text, scheme.toLowerCase(), host, path, query);
  }

  get hostname(): string {
    const bracketed = /^\[(.*)\]/.exec(this.host)?.[1];
    return bracketed ?? this.host.replace(/:\d*$/, '');
  }

  get port(): string {
    return /:(\d*)$/.exec(this.host.replace(/^\[.*\]/, ''))?.[1] ?? '';
  }
}

function hasControls(text: string): boolean {
  for (const rune of text) if (rune < ' ' || rune === '\x7f') return true;
  return false;
}

/** The host of an authority; undefined when it is malformed. */
function hostOf(authority: string): string | undefined {
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const bare = host.startsWith('[')
    ? /^\[[0-9A-Fa-f:.%\w]*\](:\d*)?$/.test(host)
    : /^[^:\s<>"\\^`{|}]*(:\d*)?$/.test(host);
  return bare ? host : undefined;
}

/** Source: k8s.io/apiserver v0.32, pkg/cel/library/urls.go. */
export function addUrlFunctions(environment: Environment): void {
  environment
    .registerType('URL', { ctor: CelUrl, fields: {} })
    .registerOperator('URL == URL', (left: CelUrl, right: CelUrl) => left.text === right.text);
  const add = (signature: string, handler: (...values: never[]) => unknown): void => {
    environment.registerFunction(signature, handler, { async: false });
  };
  add('url(string): URL', (text: string) => {
    const url = CelUrl.parse(text);
    if (url === undefined)
      throw new Error(
        `URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`,
      );
    return url;
  });
  add('isURL(string): bool', (text: string) => CelUrl.parse(text) !== undefined);
  add('URL.getScheme(): string', (url: CelUrl) => url.scheme);
  add('URL.getHost(): string', (url: CelUrl) => url.host);
  add('URL.getHostname(): string', (url: CelUrl) => url.hostname);
  add('URL.getPort(): string', (url: CelUrl) => url.port);
  add('URL.getEscapedPath(): string', (url: CelUrl) => encodeURI(url.path).replaceAll('%25', '%'));
  add('URL.getQuery(): map<string, list<string>>', (url: CelUrl) => {
    const query = new Map<string, string[]>();
    for (const [name, value] of new URLSearchParams(url.query))
      query.set(name, [...(query.get(name) ?? []), value]);
    return query;
  });
}
