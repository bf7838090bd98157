import type { FaultOrder } from '../../src/scenario/fault.ts';
import { WorldError } from '../../src/scenario/world.ts';
import type { Link } from '../network/link.ts';
import type { FaultAction, Stage } from './stage.ts';

/** No message passes between board and broker, either way. */
export const linkPartition: FaultAction = (stage, order) => {
  const links = struckLinks(stage, order);
  for (const link of links) link.partition();
  return () => {
    for (const link of links) link.heal();
  };
};

/** Adds latency (`latency`, ms) and loss (`loss`, 0…1) to what the link has already. */
export const linkDegrade: FaultAction = (stage, order) => {
  const links = struckLinks(stage, order);
  const addedMs = order.parameters.latency ?? 0;
  const loss = order.parameters.loss ?? 0;
  const former = links.map(({ quality }) => ({ ...quality }));
  for (const { quality } of links) {
    quality.latencyMs += addedMs;
    quality.loss = 1 - (1 - quality.loss) * (1 - loss);
  }
  return () => {
    for (const [index, { quality }] of links.entries()) Object.assign(quality, former[index]);
  };
};

function struckLinks(stage: Stage, order: FaultOrder): readonly Link[] {
  const { links } = stage;
  if (links === undefined)
    throw new WorldError(
      'unsupported',
      `fault ${order.fault} needs modelled links, which only the sim world has`,
    );
  return order.boards.map((name) => {
    const link = links.get(name);
    if (link === undefined) throw new WorldError('bad-scenario', `no board is called ${name}`);
    return link;
  });
}
