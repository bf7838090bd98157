import { isMembers, type Members } from './stored-object.ts';

/** JSON merge patch: `target` is shared where the patch does not reach. Source: RFC 7396. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMembers(patch)) return patch;
  const out: Record<string, unknown> = isMembers(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch as Members)) {
    if (value === undefined) continue;
    if (value === null) delete out[name];
    else out[name] = mergePatch(out[name], value);
  }
  return out;
}
