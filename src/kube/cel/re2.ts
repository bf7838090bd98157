/** POSIX classes as they stand inside brackets. Source: RE2, "Syntax". */
const CLASSES: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

/**
 * A pattern of Go's regexp package as one of ours; undefined when it is none, as with the look-arounds and
 * back references that RE2 does not have. Every pattern is matched by code points, as Go does.
 * Unlike Go's, matching takes more than linear time for some patterns.
 */
export function compileRe2(pattern: string, flags = ''): RegExp | undefined {
  if (/\(\?(?:[=!]|<[=!])|\\[1-9kCZ]/.test(pattern.replaceAll('\\\\', ''))) return undefined;
  const leading = /^\(\?([ims]+)\)/.exec(pattern)?.[1];
  const body = (leading === undefined ? pattern : pattern.slice(leading.length + 3))
    .replaceAll(/\[:(\w+):\]/g, (found, name: string) => CLASSES[name] ?? found)
    .replaceAll('(?P<', '(?<')
    .replaceAll(/\\p([A-Z])/gi, (found, name: string) => `${found.slice(0, 2)}{${name}}`)
    .replaceAll(/(\\\\)|\\A|\\z/g, (found, kept?: string) => kept ?? (found === '\\A' ? '^' : '$'));
  for (const unicode of ['u', ''])
    try {
      return new RegExp(body, `${flags}${leading ?? ''}${unicode}`);
    } catch {
      // A needless escape such as `\-` is fine in Go and not in unicode mode: once more without it.
    }
  return undefined;
}
