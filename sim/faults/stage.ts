import type { FaultOrder } from '../../src/scenario/fault.ts';
import type { Board } from '../board/board.ts';
import type { Cast } from '../cast.ts';
import type { Link } from '../network/link.ts';
import type { ApiWeather } from './api-weather.ts';
import type { RegistryWeather } from './registry-weather.ts';

/** Everything a fault may lay hands on. What a world does not have is undefined, and faults on it are refused. */
export interface Stage {
  readonly boards: ReadonlyMap<string, Board>;
  /** Modelled links by board; worlds with real sockets have none. */
  readonly links: ReadonlyMap<string, Link> | undefined;
  readonly api: ApiWeather | undefined;
  readonly registry: RegistryWeather | undefined;
  readonly cast: Pick<Cast, 'killOperator' | 'startOperator' | 'killAgents' | 'dropWatches'>;
}

/** Turns a fault off again; called once. */
export type Heal = () => void;

/** One fault: does its harm now, returns how to undo it. */
export type FaultAction = (stage: Stage, order: FaultOrder) => Heal;
