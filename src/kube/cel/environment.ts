import { Environment, Optional } from '@marcbachmann/cel-js';
import { addFormats } from './format-functions.ts';
import { addIpFunctions } from './ip-functions.ts';
import { addListFunctions } from './list-functions.ts';
import { addQuantities } from './quantity.ts';
import { addStringFunctions } from './string-functions.ts';
import { addUrlFunctions } from './url-functions.ts';

let base: Environment | undefined;

/**
 * CEL as an API server of version 1.32 speaks it, ready to be given types and variables: the language, its
 * string, set and optional extensions, and the Kubernetes libraries. It reads no clock.
 * Source: k8s.io/apiserver v0.32, pkg/cel/environment/base.go.
 */
export function kubernetesEnvironment(): Environment {
  base ??= withLibraries();
  return base.clone();
}

function withLibraries(): Environment {
  // Literals of mixed types are what format() is given.
  const environment = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false });
  addListFunctions(environment);
  addStringFunctions(environment);
  addQuantities(environment);
  addIpFunctions(environment);
  addUrlFunctions(environment);
  addFormats(environment);
  return environment.registerFunction(
    'OptionalNamespace.ofNonZeroValue(A): optional<A>',
    (_: unknown, value: unknown) => (isZero(value) ? Optional.none() : Optional.of(value)),
    { async: false },
  );
}

function isZero(value: unknown): boolean {
  if (value === null || value === '' || value === false || value === 0 || value === 0n) return true;
  if (Array.isArray(value)) return value.length === 0;
  return value instanceof Map && value.size === 0;
}

/** A value that may be absent, as optional types hold it. */
export function optional(value: unknown): unknown {
  return value === undefined ? Optional.none() : Optional.of(value);
}
