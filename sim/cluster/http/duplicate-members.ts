interface Frame {
  readonly path: string;
  /** Members so far; undefined in a list. */
  readonly names: Set<string> | undefined;
  name: string;
  index: number;
}

/**
 * Paths of the members that a JSON text has more than once, as `metadata.labels.app` and `spec.ports[0].name`, in
 * the order in which they repeat. The text is one that JSON.parse takes.
 */
export function duplicateMembers(text: string): readonly string[] {
  const found = new Set<string>();
  const frames: Frame[] = [];
  let frame: Frame | undefined;
  let named = false;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE: {
        const end = endOfString(text, at);
        if (frame?.names !== undefined && !named) {
          frame.name = JSON.parse(text.slice(at, end + 1)) as string;
          if (frame.names.has(frame.name)) found.add(pathIn(frame));
          frame.names.add(frame.name);
          named = true;
        }
        at = end;
        break;
      }
      case OPEN_OBJECT:
      case OPEN_LIST:
        if (frame !== undefined) frames.push(frame);
        frame = {
          path: frame === undefined ? '' : pathIn(frame),
          names: text.charCodeAt(at) === OPEN_OBJECT ? new Set() : undefined,
          name: '',
          index: 0,
        };
        named = false;
        break;
      case CLOSE_OBJECT:
      case CLOSE_LIST:
        frame = frames.pop();
        named = true;
        break;
      case COMMA:
        if (frame !== undefined) frame.index++;
        named = false;
        break;
    }
  }
  return [...found];
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;

/** Where the string that starts at `start` has its closing quote. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return end;
  }
}

function pathIn({ path, names, name, index }: Frame): string {
  if (names === undefined) return `${path}[${index}]`;
  return path === '' ? name : `${path}.${name}`;
}
