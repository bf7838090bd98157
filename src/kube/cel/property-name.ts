/** Words that CEL keeps for itself. Source: cel-spec, langdef, "Syntax". */
const RESERVED = new Set(
  `true false null in as break const continue else for function if import let loop package namespace
   return var void while`.split(/\s+/),
);
const ESCAPES: Readonly<Record<string, string>> = {
  __: '__underscores__',
  '.': '__dot__',
  '-': '__dash__',
  '/': '__slash__',
};

/**
 * A property's name as rules write it: `foo-bar` is `foo__dash__bar`, `namespace` is `__namespace__`.
 * Undefined when no rule can name it. Source: k8s.io/apiserver v0.32, pkg/cel/escaping.go.
 */
export function escapePropertyName(name: string): string | undefined {
  if (RESERVED.has(name)) return `__${name}__`;
  if (!/^[A-Za-z_.\-/][\w.\-/]*$/.test(name)) return undefined;
  return name.replaceAll(/__|[.\-/]/g, (found) => ESCAPES[found] ?? found);
}
