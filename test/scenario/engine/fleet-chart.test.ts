import { expect, test } from 'vitest';
import { FleetChart } from '../../../src/scenario/engine/fleet-chart.ts';
import type { BoardState } from '../../../src/scenario/world.ts';

const board = (name: string, version: string): BoardState => ({
  name,
  group: 'g',
  labels: {},
  chip: 'esp32',
  deviceId: name,
  identity: 'genuine',
  state: 'running',
  online: true,
  application: 'thermo',
  version,
  digest: 'd',
  slot: 'ota_0',
  confirmed: true,
});

test('a run of any length is at most 600 columns, and the last one is now', () => {
  const chart = new FleetChart();
  chart.judge(board('a', '1'));
  chart.judge(board('b', '1'));
  for (let minute = 1; minute <= 100_000; minute += 7) {
    chart.advanceTo(minute * 60_000);
    chart.judge(board('a', minute % 2 === 0 ? '1' : '2'));
  }
  const { columns, columnMs, states } = chart.samples();
  expect(columns.length).toBeLessThanOrEqual(601);
  expect(columns.length * columnMs).toBeGreaterThanOrEqual(100_000 * 60_000);
  expect(states).toEqual(['thermo 1', 'thermo 2']);
  for (const column of columns) expect((column[0] ?? 0) + (column[1] ?? 0)).toBe(2);
  expect(columns.at(-1)).toEqual([...chart.now.values()]);
});

test('a column tells the state at its end', () => {
  const chart = new FleetChart();
  chart.judge(board('a', '1'));
  chart.advanceTo(1500);
  chart.judge(board('a', '2'));
  chart.advanceTo(3000);
  expect(chart.samples().columns).toEqual([
    [1, 0],
    [0, 1],
    [0, 1],
    [0, 1],
  ]);
});
