import { isMembers, type Members } from '../stored-object.ts';

/**
 * A set of places in an object, as a tree of path elements: `f:name` for a member, `k:{…}` for a list
 * item by its keys, `v:…` for an item of a set. Never changed once made.
 * Source: structured-merge-diff v4, fieldpath; metav1.FieldsV1.
 */
export interface FieldSet {
  /** Whether the place itself belongs to the set. */
  readonly member: boolean;
  readonly children: ReadonlyMap<string, FieldSet>;
}

export const NOTHING: FieldSet = { member: false, children: new Map() };
export const LEAF: FieldSet = { member: true, children: new Map() };

export function isEmpty(set: FieldSet): boolean {
  return !set.member && set.children.size === 0;
}

export function node(member: boolean, children: Iterable<readonly [string, FieldSet]>): FieldSet {
  return { member, children: new Map([...children].filter(([, child]) => !isEmpty(child))) };
}

/** What is in either; `left` itself when `right` adds nothing. */
export function union(left: FieldSet, right: FieldSet): FieldSet {
  let children: Map<string, FieldSet> | undefined;
  for (const [element, child] of right.children) {
    const other = left.children.get(element);
    const both = other === undefined ? child : union(other, child);
    if (both === other) continue;
    children ??= new Map(left.children);
    children.set(element, both);
  }
  const member = left.member || right.member;
  if (children === undefined && member === left.member) return left;
  return { member, children: children ?? left.children };
}

export function intersection(left: FieldSet, right: FieldSet): FieldSet {
  const children = [...left.children].map(
    ([element, child]) => [element, intersection(child, right.children.get(element) ?? NOTHING)] as const,
  );
  return node(left.member && right.member, children);
}

/** What is in `left` and not in `right`; `left` itself when that is all of it. */
export function difference(left: FieldSet, right: FieldSet): FieldSet {
  let children: Map<string, FieldSet> | undefined;
  for (const [element, other] of right.children) {
    const child = left.children.get(element);
    if (child === undefined) continue;
    const rest = difference(child, other);
    if (rest === child) continue;
    children ??= new Map(left.children);
    if (isEmpty(rest)) children.delete(element);
    else children.set(element, rest);
  }
  const member = left.member && !right.member;
  if (children === undefined && member === left.member) return left;
  return { member, children: children ?? left.children };
}

/** What is in `left` and neither in `right` nor below a place that ends there; and no container of what is in `right`. */
export function outside(left: FieldSet, right: FieldSet): FieldSet {
  if (right.member && right.children.size === 0) return NOTHING;
  const children = [...left.children].map(([element, child]) => {
    const other = right.children.get(element);
    return [element, other === undefined ? child : outside(child, other)] as const;
  });
  return node(left.member && isEmpty(right), children);
}

/** Only what lies below one of `elements`, or, without `keep`, everything else. */
export function select(set: FieldSet, elements: readonly string[], keep: boolean): FieldSet {
  return node(
    false,
    [...set.children].filter(([element]) => elements.includes(element) === keep),
  );
}

/** The places as people read them, those of one level before what is below them: `.spec.parts[name="a"].count`. */
export function pathsOf(set: FieldSet, prefix = ''): readonly string[] {
  const places = [...set.children]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([element, child]) => [prefix + readableElement(element), child] as const);
  const here = places.filter(([, child]) => child.member).map(([path]) => path);
  const below = places.flatMap(([path, child]) => pathsOf({ ...child, member: false }, path));
  return set.member ? [prefix, ...here, ...below] : [...here, ...below];
}

/** A path element as people read it. */
export function readableElement(element: string): string {
  const rest = element.slice(2);
  if (element.startsWith('f:')) return `.${rest}`;
  if (element.startsWith('v:')) return `[=${rest}]`;
  const keys = Object.entries(JSON.parse(rest) as Members);
  return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
}

/** As metadata carries it; elements in order, so that equal sets are equal text. */
export function toFieldsV1({ member, children }: FieldSet): Members {
  const fields: Record<string, Members> = member && children.size > 0 ? { '.': {} } : {};
  for (const element of [...children.keys()].sort())
    fields[element] = toFieldsV1(children.get(element) as FieldSet);
  return fields;
}

export function fromFieldsV1(fields: Members): FieldSet {
  const children = new Map<string, FieldSet>();
  let isLeaf = true;
  for (const element of Object.keys(fields)) {
    isLeaf = false;
    const below = fields[element];
    if (element !== '.') children.set(element, isMembers(below) ? fromFieldsV1(below) : LEAF);
  }
  return isLeaf ? LEAF : { member: fields['.'] !== undefined, children };
}
