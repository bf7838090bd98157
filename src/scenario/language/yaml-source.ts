import { type Document, isMap, isNode, LineCounter, parseAllDocuments } from 'yaml';
import type { Problem } from './problem.ts';

export type Path = readonly (string | number)[];

/** One document of a YAML file that remembers where everything stood. */
export interface YamlSource {
  readonly file: string;
  readonly value: unknown;
  /** A problem at the value under `path`, or at the nearest parent that exists. */
  problemAt(path: Path, message: string): Problem;
  /** A problem at the key itself, for keys that should not be there. */
  problemAtKey(path: Path, message: string): Problem;
}

export interface YamlFile {
  /** Empty documents are left out. */
  readonly sources: readonly YamlSource[];
  readonly problems: readonly Problem[];
}

/** Reads a YAML stream. Syntax errors, duplicate keys and unknown tags come back as problems with their places. */
export function readYaml(file: string, text: string): YamlFile {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  // An empty stream comes back as an object that is no array.
  const documents = Array.isArray(parsed) ? parsed : [];
  const problems: Problem[] = [];
  const sources: YamlSource[] = [];
  for (const document of documents) {
    const faults = [...document.errors, ...document.warnings];
    for (const fault of faults) {
      const message = fault.message.split('\n')[0] ?? 'not YAML';
      problems.push({ file, ...place(lines, fault.pos[0]), message });
    }
    if (faults.length > 0 || document.contents === null) continue;
    try {
      sources.push(makeSource(file, lines, document, document.toJS({ maxAliasCount: 100 })));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      problems.push({ file, line: 1, column: 1, message });
    }
  }
  return { sources, problems };
}

function makeSource(file: string, lines: LineCounter, document: Document.Parsed, value: unknown): YamlSource {
  const offsetAt = (path: Path): number => {
    for (let length = path.length; length >= 0; length--) {
      const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return node.range[0];
    }
    return 0;
  };
  const offsetOfKey = (path: Path): number => {
    const parent = path.length <= 1 ? document.contents : document.getIn(path.slice(0, -1), true);
    const name = path.at(-1);
    if (isMap(parent))
      for (const pair of parent.items)
        if (isNode(pair.key) && pair.key.range && String(pair.key) === String(name)) return pair.key.range[0];
    return offsetAt(path);
  };
  return {
    file,
    value,
    problemAt: (path, message) => ({ file, ...place(lines, offsetAt(path)), message }),
    problemAtKey: (path, message) => ({ file, ...place(lines, offsetOfKey(path)), message }),
  };
}

function place(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** `fleet[0].chips.esp32`, as people write a path. */
export function pathText(path: Path): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
}
