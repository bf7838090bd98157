import type { MakeMonitor } from './monitor.ts';

/** A Device is the same object from the first time it is seen to the end, wherever its board turns up. */
export const twinsSurvive: MakeMonitor = ({ fleet }, report) => {
  const uids = new Map<string, string>();
  return {
    onChange(change, atMs) {
      if (change.of !== 'device') return;
      const { name, uid } = change.object.metadata;
      const known = uids.get(name);
      const board = fleet.boardOfDevice(name)?.name;
      const at = { atMs, ...(board !== undefined && { board }) };
      if (change.type === 'deleted') report({ ...at, message: `the Device ${name} was deleted` });
      else if (known !== undefined && known !== uid)
        report({ ...at, message: `the Device ${name} was made anew: its uid was ${known} and is ${uid}` });
      uids.set(name, uid);
    },
  };
};
