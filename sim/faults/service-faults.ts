import type { FaultOrder } from '../../src/scenario/fault.ts';
import { WorldError } from '../../src/scenario/world.ts';
import type { ApiWeather } from './api-weather.ts';
import type { FaultAction, Stage } from './stage.ts';

/** Writes of the operator and its agents fail with 409 with chance `probability`. */
export const apiConflict: FaultAction = (stage, order) => {
  const api = weatherOf(stage, order);
  const former = api.conflictProbability;
  api.conflictProbability = order.parameters.probability ?? 0.2;
  return () => {
    api.conflictProbability = former;
  };
};

/** Every request of the operator and its agents is answered with 503. */
export const apiUnavailable: FaultAction = (stage, order) => {
  const api = weatherOf(stage, order);
  api.outages++;
  return () => {
    api.outages--;
  };
};

/** Every open watch of the operator and its agents ends, once; the server is otherwise well. */
export const watchDrop: FaultAction = ({ cast }) => {
  cast.dropWatches();
  return () => {};
};

/** The operator dies between two of its steps; a new one starts when the fault heals. */
export const operatorCrash: FaultAction = ({ cast }) => {
  cast.killOperator();
  return () => cast.startOperator();
};

/** Every flash agent dies between two of its steps, once; what becomes of its job is the operator's part. */
export const agentCrash: FaultAction = ({ cast }) => {
  cast.killAgents();
  return () => {};
};

function weatherOf(stage: Stage, order: FaultOrder): ApiWeather {
  if (stage.api === undefined) throw noHook(order, 'the API server');
  return stage.api;
}

function noHook(order: FaultOrder, where: string): WorldError {
  return new WorldError(
    'unsupported',
    `fault ${order.fault} needs a hook in ${where}, which this world does not have`,
  );
}
