import type { Device } from '../../kube/device.ts';
import type { FlashJob } from '../../kube/flash-job.ts';
import type { MakeMonitor } from './monitor.ts';

/**
 * What an update ended on, judged by the board and by what its job pinned first, wherever a tag moved since.
 *
 * Confirmed: the board runs that image, off probation. Anything else: the outcome comes with a reason, and
 * the board runs what it had confirmed when the update began, or that image; never a third.
 */
export const pinnedDigestHolds: MakeMonitor = ({ fleet, images }, report) => {
  /** By job: its reference, and what that was first said to mean. */
  const pins = new Map<string, { readonly reference: string; readonly digest: string }>();
  /** What each board last confirmed, or came with. */
  const confirmed = new Map<string, string>();
  /** What it had confirmed when the update of a job began, by device. */
  const before = new Map<string, { readonly jobUid: string; readonly digest: string | undefined }>();

  function onJob({ metadata, status }: FlashJob, atMs: number): void {
    if (status?.firmware === undefined) return;
    const { reference, digest } = status.firmware;
    const pinned = pins.get(metadata.uid);
    if (pinned?.reference !== reference) pins.set(metadata.uid, status.firmware);
    else if (pinned.digest !== digest)
      report({ atMs, message: `job ${metadata.name} had pinned ${pinned.digest}, and now says ${digest}` });
  }

  function onDevice(device: Device, previous: Device | undefined, atMs: number): void {
    const update = device.status?.update;
    const board = fleet.boardOfDevice(device.metadata.name);
    if (update === undefined || board === undefined) return;
    const { jobUid, jobName, phase, outcome = '', message = '' } = update;
    if (before.get(board.name)?.jobUid !== jobUid)
      before.set(board.name, { jobUid, digest: confirmed.get(board.name) });
    const last = previous?.status?.update;
    if (phase !== 'Settled' || (last?.phase === 'Settled' && last.jobUid === jobUid)) return;
    const pinned = pins.get(jobUid)?.digest;
    const asked = images.find(({ index, chip }) => index === pinned && chip === board.chip)?.digest;
    const tell = (what: string): void =>
      report({ atMs, board: board.name, message: `${board.name} ended ${jobName} ${outcome}, ${what}` });
    const runs = `runs ${board.digest}`;
    if (outcome === 'confirmed') {
      if (board.digest !== asked || !board.confirmed) tell(`and ${runs}; the job pinned ${pinned}`);
      return;
    }
    if (message === '') tell('and nothing says why');
    const had = before.get(board.name)?.digest;
    if (board.digest !== asked && board.digest !== had) tell(`and ${runs}; it had ${had}`);
  }

  return {
    onEvent(event) {
      // What a board runs when it is first seen is its factory image.
      if (event.kind === 'confirm' || (event.kind === 'boot' && !confirmed.has(event.board)))
        confirmed.set(event.board, event.digest);
    },
    onChange(change, atMs) {
      if (change.type === 'deleted') return;
      if (change.of === 'job') onJob(change.object, atMs);
      else if (change.of === 'device') onDevice(change.object, change.previous, atMs);
    },
  };
};
