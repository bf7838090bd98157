import type { Intercept } from '../registry/fault.ts';

/** What the registry is like at the moment. */
export class RegistryWeather {
  /** Faults that keep the registry away; it is there when none does. */
  outages = 0;

  readonly intercept: Intercept = () =>
    this.outages > 0 ? { kind: 'error', code: 'unavailable' } : undefined;
}
