import type { FaultOrder } from '../../src/scenario/fault.ts';
import { WorldError } from '../../src/scenario/world.ts';
import type { Board } from '../board/board.ts';
import type { Cast } from '../cast.ts';
import type { EmbeddedCluster } from '../cluster/embedded-cluster.ts';
import type { Link } from '../network/link.ts';
import type { ApiWeather } from './api-weather.ts';
import type { RegistryWeather } from './registry-weather.ts';

/** Everything a fault may lay hands on. What a world does not have is undefined, and faults on it are refused. */
export interface Stage {
  readonly boards: ReadonlyMap<string, Board>;
  /** Modelled links by board; worlds with real sockets have none. */
  readonly links: ReadonlyMap<string, Link> | undefined;
  readonly api: ApiStage | undefined;
  readonly registry: RegistryWeather | undefined;
  readonly cast: Pick<Cast, 'killOperator' | 'startOperator' | 'killAgents' | 'loseNode' | 'recoverNode'>;
}

/** The API server, and how faults get at it. */
export interface ApiStage {
  readonly weather: ApiWeather;
  readonly cluster: Pick<EmbeddedCluster, 'dropWatches' | 'restart'>;
  /** Who is meant by `operator`, `agent`, `akri` or `kubelet`; absent: the operator and its agents. */
  readonly usersOf: (role: string | undefined) => readonly string[];
}

/** Turns a fault off again; called once. */
export type Heal = () => void;

/** One fault: does its harm now, returns how to undo it. */
export type FaultAction = (stage: Stage, order: FaultOrder) => Heal;

/** Why a fault is not possible here: nothing lets it in. */
export function worldLacks(order: FaultOrder, where: string): WorldError {
  return new WorldError(
    'unsupported',
    `fault ${order.fault} needs a hook in ${where}, which this world does not have`,
  );
}
