/** Deep equality of JSON values; the order of members does not count, absent and undefined are the same. */
export function equalJson(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) || Array.isArray(right))
    return (
      Array.isArray(left) &&
      Array.isArray(right) &&
      left.length === right.length &&
      left.every((item, index) => equalJson(item, right[index]))
    );
  return equalMembers(left as Members, right as Members);
}

type Members = Readonly<Record<string, unknown>>;

function equalMembers(left: Members, right: Members): boolean {
  let extra = 0;
  for (const name in left) {
    if (!equalJson(left[name], right[name])) return false;
    if (left[name] !== undefined) extra++;
  }
  for (const name in right) if (right[name] !== undefined) extra--;
  return extra === 0;
}
