/**
 * Where a device speaks and listens on the broker.
 *
 * A *station* is a device's address on the broker, made from its radio's MAC: it says where a message
 * goes, never who answers. Who answers is settled by evidence alone (src/attestation).
 *
 *     brickproof/<station>/announce                      up, retained   what it claims to be (Announcement)
 *     brickproof/<station>/down/challenge                down           a verifier's nonce (Challenge)
 *     brickproof/<station>/up/evidence/<session>         up             the signed answer, CBOR
 *     brickproof/<station>/down/offer                    down           an image it may pull (Offer)
 *     brickproof/<station>/up/pull/<session>/<offset>/<length>   up     "send me these bytes", no payload
 *     brickproof/<station>/down/chunk/<session>/<offset> down           the bytes, raw
 *     brickproof/<station>/up/pull-delta/<session>/<offset>/<length>   up   the same, of the offered delta
 *     brickproof/<station>/down/chunk-delta/<session>/<offset>         down
 *     brickproof/<station>/up/report/<session>           up             how the offer fares (Report)
 *     brickproof/<station>/down/reboot                   down           give the bootloader its say (RebootOrder)
 */
const ROOT = 'brickproof';

export const ANNOUNCEMENTS = `${ROOT}/+/announce`;

/** Sessions name one conversation; letters, digits and dashes only, so that they fit a topic level. */
export type SessionId = string;

export const announceTopic = (station: string): string => `${ROOT}/${station}/announce`;
export const downFilter = (station: string): string => `${ROOT}/${station}/down/#`;
/** Evidence from every station, whoever asked for it. */
export const EVIDENCE = `${ROOT}/+/up/evidence/+`;
export const upFilter = (station: string): string => `${ROOT}/${station}/up/#`;
export const challengeTopic = (station: string): string => `${ROOT}/${station}/down/challenge`;
export const offerTopic = (station: string): string => `${ROOT}/${station}/down/offer`;
export const rebootTopic = (station: string): string => `${ROOT}/${station}/down/reboot`;
export const evidenceTopic = (station: string, session: SessionId): string =>
  `${ROOT}/${station}/up/evidence/${session}`;
export const reportTopic = (station: string, session: SessionId): string =>
  `${ROOT}/${station}/up/report/${session}`;

/** What bytes are of: each has its own topics, so that a late chunk of one is never taken for the other. */
export type Content = 'image' | 'delta';

export const pullTopic = (
  station: string,
  session: SessionId,
  content: Content,
  offset: number,
  length: number,
): string => `${ROOT}/${station}/up/${PULL[content]}/${session}/${offset}/${length}`;
export const chunkTopic = (station: string, session: SessionId, content: Content, offset: number): string =>
  `${ROOT}/${station}/down/${CHUNK[content]}/${session}/${offset}`;

const PULL = { image: 'pull', delta: 'pull-delta' } as const;
const CHUNK = { image: 'chunk', delta: 'chunk-delta' } as const;

/** A topic taken apart; undefined for topics of other systems and for malformed ones. */
export type DeviceTopic =
  | { readonly station: string; readonly kind: 'announce' | 'challenge' | 'offer' | 'reboot' }
  | { readonly station: string; readonly kind: 'evidence' | 'report'; readonly session: SessionId }
  | {
      readonly station: string;
      readonly kind: 'chunk';
      readonly content: Content;
      readonly session: SessionId;
      readonly offset: number;
    }
  | {
      readonly station: string;
      readonly kind: 'pull';
      readonly content: Content;
      readonly session: SessionId;
      readonly offset: number;
      readonly length: number;
    };

export function parseTopic(topic: string): DeviceTopic | undefined {
  const [root, station, direction, verb, session, first, second, ...more] = topic.split('/');
  if (root !== ROOT || station === undefined || station === '' || more.length > 0) return undefined;
  if (direction === 'announce' && verb === undefined) return { station, kind: 'announce' };
  if (direction === 'down' && session === undefined) {
    if (verb === 'challenge' || verb === 'offer' || verb === 'reboot') return { station, kind: verb };
    return undefined;
  }
  if (session === undefined || session === '') return undefined;
  if (direction === 'up' && first === undefined && (verb === 'evidence' || verb === 'report'))
    return { station, kind: verb, session };
  const offset = wholeNumber(first);
  if (offset === undefined) return undefined;
  const content: Content = verb?.endsWith('-delta') === true ? 'delta' : 'image';
  if (direction === 'down' && verb === CHUNK[content] && second === undefined)
    return { station, kind: 'chunk', content, session, offset };
  const length = wholeNumber(second);
  if (direction === 'up' && verb === PULL[content] && length !== undefined)
    return { station, kind: 'pull', content, session, offset, length };
  return undefined;
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}
