import { isMap, isScalar, LineCounter, parseDocument, visit } from 'yaml';

/** What a YAML text says, and the keys that it gives twice, by line; of those the last one counts. */
export interface YamlBody {
  readonly value: unknown;
  /** As Go's reader says it: `line 7: key "a" already set in map`. */
  readonly repeatedKeys: readonly string[];
}

/** Throws Error on what is no YAML. */
export function readYaml(text: string): YamlBody {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { uniqueKeys: false, lineCounter });
  const [error] = document.errors;
  if (error !== undefined) throw error;
  const repeatedKeys: string[] = [];
  visit(document, {
    Map(_key, map) {
      const seen = new Set<unknown>();
      for (const { key } of isMap(map) ? map.items : []) {
        if (!isScalar(key)) continue;
        const { line } = lineCounter.linePos(key.range?.[0] ?? 0);
        if (seen.has(key.value))
          repeatedKeys.push(`line ${line}: key ${JSON.stringify(key.value)} already set in map`);
        seen.add(key.value);
      }
    },
  });
  return { value: document.toJS(), repeatedKeys };
}

/** The same, for a refusal. Source: sigs.k8s.io/yaml, UnmarshalStrict. */
export function repeatedKeysError(repeatedKeys: readonly string[]): string {
  return `yaml: unmarshal errors:\n${repeatedKeys.map((line) => `  ${line}`).join('\n')}`;
}
