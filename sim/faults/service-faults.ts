import { type FaultAction, worldLacks } from './stage.ts';

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

/** The node dies with every flash agent on it, and is given up when nothing is heard of it; it is back when the fault heals. */
export const nodeLoss: FaultAction = ({ cast }, order) => {
  if (!cast.loseNode()) throw worldLacks(order, 'the node, which is not its own');
  return () => cast.recoverNode();
};
