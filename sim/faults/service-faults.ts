import type { FaultAction } from './stage.ts';

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
