const WHOLE_NUMBER = /^(0|[1-9]\d*)$/;

/**
 * Below 0 when `left` is older, 0 when both are the same, above 0 when it is newer; undefined when a server's
 * versions are no numbers and so cannot be told apart by age. Of any length, as they may exceed a double.
 * Source: Kubernetes enhancement 5504, "Comparable Resource Version".
 */
export function compareVersions(left: string, right: string): number | undefined {
  if (left === right) return 0;
  if (!WHOLE_NUMBER.test(left) || !WHOLE_NUMBER.test(right)) return undefined;
  if (left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : 1;
}
