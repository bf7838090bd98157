import type { ChartSamples } from '../../engine/fleet-chart.ts';

/** One layer of the plot, bottom first. */
export interface PlottedState {
  readonly name: string;
  /** Rows of the samples that it adds up. */
  readonly indexes: readonly number[];
  /** Colour, as a CSS value. */
  readonly swatch: string;
  /** What its area is filled with: the colour, or a pattern of it. */
  readonly fill: string;
  readonly hatch?: string;
}

/** Distinct hues for versions of firmware; later ones share the last. */
const VERSION_COLORS = 8;
const PROBATION = ' on probation';

/** States that are not a version, from the ground up, with their colour names. */
const PASSING: readonly (readonly [string, string])[] = [
  ['updating', 'var(--updating)'],
  ['restarting', 'var(--restarting)'],
  ['offline', 'var(--offline)'],
  ['off', 'var(--off)'],
  ['impostor', 'var(--impostor)'],
  ['bricked', 'var(--bricked)'],
];

/** Layers in a fixed order: each version, confirmed below probation, then what passes, then what is wrong. */
export function plottedStates(chart: ChartSamples): PlottedState[] {
  const passing = new Set(PASSING.map(([name]) => name));
  const versions = [
    ...new Set(
      chart.states.filter((state) => !passing.has(state)).map((state) => state.replace(PROBATION, '')),
    ),
  ];
  const layers = versions.flatMap((version, order): PlottedState[] => {
    const swatch = `var(--v${Math.min(order, VERSION_COLORS - 1)})`;
    const confirmed = chart.states.indexOf(version);
    const probation = chart.states.indexOf(version + PROBATION);
    const layer: PlottedState[] = [];
    if (confirmed !== -1) layer.push({ name: version, indexes: [confirmed], swatch, fill: swatch });
    if (probation !== -1) {
      const hatch = `hatch${order}`;
      layer.push({ name: version + PROBATION, indexes: [probation], swatch, fill: `url(#${hatch})`, hatch });
    }
    return layer;
  });
  const others = PASSING.flatMap(([name, swatch]): PlottedState[] => {
    const index = chart.states.indexOf(name);
    return index === -1 ? [] : [{ name, indexes: [index], swatch, fill: swatch }];
  });
  return [...layers, ...others];
}
