import type { KubeCause } from '../../src/kube/error.ts';
import { invalidValue, requiredValue } from '../../src/kube/field-cause.ts';
import type { LabelSelector } from '../../src/kube/workloads.ts';
import { isQualifiedName } from './object-name.ts';

type Labels = Readonly<Record<string, string>>;

/** True when labels fit the selector of a workload; an empty selector fits everything, no selector nothing. */
export function fitsSelector(selector: LabelSelector | undefined, labels: Labels = {}): boolean {
  if (selector === undefined) return false;
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      switch (operator) {
        case 'In':
          return value !== undefined && values.includes(value);
        case 'NotIn':
          return value === undefined || !values.includes(value);
        case 'Exists':
          return value !== undefined;
        default:
          return value === undefined;
      }
    })
  );
}

/** The selector as requests and columns carry it, its terms by key. */
export function selectorText(selector: LabelSelector | undefined): string {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  const terms = Object.entries(matchLabels).map(([key, value]): [string, string] => [key, `${key}=${value}`]);
  for (const { key, operator, values = [] } of matchExpressions) {
    const choices = `(${values.toSorted().join(',')})`;
    if (operator === 'In' || operator === 'NotIn')
      terms.push([key, `${key} ${operator.toLowerCase()} ${choices}`]);
    else terms.push([key, operator === 'Exists' ? key : `!${key}`]);
  }
  return terms
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, term]) => term)
    .join(',');
}

/** Source: apimachinery, meta/v1/validation ValidateLabelSelector (v0.32). */
export function checkSelector(selector: LabelSelector, path: string): KubeCause[] {
  const causes: KubeCause[] = [];
  for (const key of Object.keys(selector.matchLabels ?? {}))
    if (!isQualifiedName(key)) causes.push(invalidValue(`${path}.matchLabels`, key, 'is not a label key'));
  for (const [index, { key, operator, values = [] }] of (selector.matchExpressions ?? []).entries()) {
    const at = `${path}.matchExpressions[${index}]`;
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0)
        causes.push(requiredValue(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0)
        causes.push({
          reason: 'FieldValueForbidden',
          message: "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
          field: `${at}.values`,
        });
    } else causes.push(invalidValue(`${at}.operator`, operator ?? '', 'not a valid selector operator'));
    if (!isQualifiedName(key ?? '')) causes.push(invalidValue(`${at}.key`, key ?? '', 'is not a label key'));
  }
  return causes;
}

/** A complaint about a value that a server shows the way Go prints it. */
export function invalidGoValue(field: string, goText: string, detail: string): KubeCause {
  return { reason: 'FieldValueInvalid', message: `Invalid value: ${goText}: ${detail}`, field };
}

/** `map[string]string{"a":"b"}`. */
export function goLabels(labels: Labels | undefined): string {
  if (labels === undefined) return 'map[string]string(nil)';
  const members = Object.keys(labels)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${JSON.stringify(labels[key])}`);
  return `map[string]string{${members.join(', ')}}`;
}

export function goSelector({ matchLabels, matchExpressions }: LabelSelector): string {
  const requirements =
    matchExpressions === undefined
      ? '[]v1.LabelSelectorRequirement(nil)'
      : `[]v1.LabelSelectorRequirement{${matchExpressions.map(goRequirement).join(', ')}}`;
  return `v1.LabelSelector{MatchLabels:${goLabels(matchLabels)}, MatchExpressions:${requirements}}`;
}

function goRequirement({
  key,
  operator,
  values,
}: NonNullable<LabelSelector['matchExpressions']>[number]): string {
  const list =
    values === undefined ? '[]string(nil)' : `[]string{${values.map((v) => JSON.stringify(v)).join(', ')}}`;
  return `v1.LabelSelectorRequirement{Key:${JSON.stringify(key)}, Operator:${JSON.stringify(operator)}, Values:${list}}`;
}
