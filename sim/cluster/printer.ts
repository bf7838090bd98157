import type { PrinterColumn } from './resource.ts';
import { isMembers, type StoredObject } from './stored-object.ts';

/** The member at a dotted path; undefined where the path leaves the object. */
export function at(object: unknown, path: string): unknown {
  let value = object;
  for (const name of path.split('.')) {
    if (!isMembers(value)) return undefined;
    value = value[name];
  }
  return value;
}

export function textAt(object: unknown, path: string): string {
  const value = at(object, path);
  return typeof value === 'string' ? value : '';
}

/** A column of text; `cell` may leave it empty. */
export function column(name: string, cell: (object: StoredObject) => unknown, priority = 0): PrinterColumn {
  return { name, type: 'string', cell, priority };
}

/** Since when the object exists; shown as an age. */
export const AGE: PrinterColumn = {
  name: 'Age',
  type: 'date',
  cell: (object) => object.metadata.creationTimestamp,
};

/** Time since `rfc3339`, as kubectl shows ages: `42s`, `7m30s`, `5h`, `3d`. Source: apimachinery, util/duration. */
export function ageText(rfc3339: unknown, unixMs: number): string {
  const since = typeof rfc3339 === 'string' ? Date.parse(rfc3339) : Number.NaN;
  if (Number.isNaN(since)) return '<unknown>';
  const seconds = Math.floor((unixMs - since) / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return two(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return two(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (days < 8) return two(days, 'd', hours % 24, 'h');
  if (days < 730) return `${days}d`;
  const years = Math.floor(days / 365);
  return years < 8 ? two(years, 'y', days % 365, 'd') : `${years}y`;
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}
