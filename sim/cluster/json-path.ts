import { isMembers } from './stored-object.ts';

type Step = (values: readonly unknown[]) => unknown[];

/**
 * Compiles the JSONPath that printer columns and selectable fields use: members, `['…']`, `[0]`, `[*]`,
 * and filters `[?(@.type=="Ready")]`. Returns undefined for anything else.
 * Source: Kubernetes documentation, "JSONPath Support".
 */
export function compileJsonPath(path: string): ((object: unknown) => readonly unknown[]) | undefined {
  const steps: Step[] = [];
  let rest = path.startsWith('$') ? path.slice(1) : path;
  while (rest !== '') {
    const found = nextStep(rest);
    if (found === undefined) return undefined;
    steps.push(found.step);
    rest = rest.slice(found.length);
  }
  return (object) => steps.reduce<readonly unknown[]>((values, step) => step(values), [object]);
}

function nextStep(rest: string): { readonly step: Step; readonly length: number } | undefined {
  const member = /^\.((?:\\.|[^.[\]\\])+)/.exec(rest);
  if (member?.[1] !== undefined)
    return { step: memberStep(member[1].replaceAll(/\\(.)/g, '$1')), length: member[0].length };
  const quoted = /^\[(?:'([^']*)'|"([^"]*)")\]/.exec(rest);
  if (quoted !== null) return { step: memberStep(quoted[1] ?? quoted[2] ?? ''), length: quoted[0].length };
  const index = /^\[(\*|-?\d+)\]/.exec(rest);
  if (index?.[1] !== undefined) return { step: indexStep(index[1]), length: index[0].length };
  const filter = /^\[\?\(@\.([\w.]+)\s*==\s*(?:'([^']*)'|"([^"]*)"|([\w.]+))\)\]/.exec(rest);
  if (filter?.[1] === undefined) return undefined;
  return { step: filterStep(filter[1], filter[2] ?? filter[3] ?? filter[4] ?? ''), length: filter[0].length };
}

function memberStep(name: string): Step {
  return (values) =>
    values.flatMap((value) => (isMembers(value) && value[name] !== undefined ? [value[name]] : []));
}

function indexStep(index: string): Step {
  return (values) =>
    values.flatMap((value) => {
      if (!Array.isArray(value)) return index === '*' && isMembers(value) ? Object.values(value) : [];
      if (index === '*') return value;
      const item = value.at(Number(index));
      return item === undefined ? [] : [item];
    });
}

function filterStep(path: string, wanted: string): Step {
  const names = path.split('.');
  const matches = (item: unknown): boolean => {
    const value = names.reduce<unknown>(
      (parent, name) => (isMembers(parent) ? parent[name] : undefined),
      item,
    );
    return value !== undefined && String(value) === wanted;
  };
  return (values) => values.flatMap((value) => (Array.isArray(value) ? value.filter(matches) : []));
}
