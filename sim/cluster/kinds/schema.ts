/*
 * Short words for writing the schemas of built-in kinds. They say less than the real ones: members that
 * nothing here reads are kept as they come ("open" objects), so that any manifest may carry them.
 */
export type Schema = Readonly<Record<string, unknown>>;
type Properties = Readonly<Record<string, Schema>>;

export const text: Schema = { type: 'string' };
export const int: Schema = { type: 'integer' };
export const bool: Schema = { type: 'boolean' };
export const time: Schema = { type: 'string', format: 'date-time' };
export const base64: Schema = { type: 'string', format: 'byte' };
export const intOrText: Schema = { 'x-kubernetes-int-or-string': true };
export const anything: Schema = { 'x-kubernetes-preserve-unknown-fields': true };

/** Any members at all. */
export const open: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

export function oneOf(...choices: readonly string[]): Schema {
  return { type: 'string', enum: choices };
}

export function object(properties: Properties, ...required: readonly string[]): Schema {
  return required.length === 0 ? { type: 'object', properties } : { type: 'object', properties, required };
}

/** An object with these members, and others that are kept unread. */
export function openObject(properties: Properties, ...required: readonly string[]): Schema {
  return { ...object(properties, ...required), 'x-kubernetes-preserve-unknown-fields': true };
}

export function list(items: Schema): Schema {
  return { type: 'array', items };
}

/**
 * A list whose items are told apart by one member: what strategic merge patch goes by. Server-side apply
 * goes by `more` members besides.
 */
export function keyedList(key: string, items: Schema, ...more: readonly string[]): Schema {
  return {
    type: 'array',
    items,
    ...(more.length > 0 && { 'x-kubernetes-list-map-keys': [key, ...more] }),
    'x-kubernetes-patch-merge-key': key,
    'x-kubernetes-patch-strategy': 'merge',
  };
}

/** A list of words without order. */
export function setOf(items: Schema): Schema {
  return { type: 'array', items, 'x-kubernetes-list-type': 'set' };
}

/** Owned as a whole, whoever sets one of its members. */
export function atomic(schema: Schema): Schema {
  return { ...schema, 'x-kubernetes-map-type': 'atomic' };
}

export function map(values: Schema): Schema {
  return { type: 'object', additionalProperties: values };
}

export function described(schema: Schema, description: string): Schema {
  return { ...schema, description };
}

/** Source: metav1.Condition, and the looser ones of Pods and Nodes. */
export const conditions: Schema = keyedList(
  'type',
  openObject(
    {
      type: text,
      status: oneOf('True', 'False', 'Unknown'),
      reason: text,
      message: text,
      observedGeneration: int,
      lastTransitionTime: time,
    },
    'type',
    'status',
  ),
);

/** Source: core/v1 ObjectReference. */
export const objectReference: Schema = atomic(
  object({
    apiVersion: text,
    kind: text,
    namespace: text,
    name: text,
    uid: text,
    resourceVersion: text,
    fieldPath: text,
  }),
);
