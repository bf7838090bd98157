import type { Digest } from '../../src/oci/digest.ts';
import { decodeJson } from '../../src/oci/json-document.ts';
import { type Descriptor, MANIFEST_BYTES_MAX, parseManifest } from '../../src/oci/manifest.ts';
import { OCI_INDEX } from '../../src/oci/media-type.ts';
import type { Repository } from '../../src/oci/reference.ts';
import type { Refusal } from '../../src/oci/refusal.ts';
import type { TagPage } from '../../src/oci/registry.ts';
import { RegistryError } from '../../src/oci/registry-error.ts';
import { type Answer, type Exchange, exchangeWith } from './registry-http-transport.ts';

/** Pages followed in one list; a registry that never ends one is not worth more. */
const PAGES_MAX = 1000;

type Send = (exchange: Exchange) => Promise<Answer>;

/** Source: OCI distribution-spec, "Listing Tags". */
export async function listTags(
  send: Send,
  repository: Repository,
  page: TagPage,
): Promise<readonly string[]> {
  const { last = '', limit = Number.POSITIVE_INFINITY } = page;
  const query = new URLSearchParams();
  if (page.limit !== undefined) query.set('n', String(page.limit));
  if (page.last !== undefined) query.set('last', page.last);
  const found: string[] = [];
  for await (const body of pages(send, repository, `tags/list${query.size === 0 ? '' : `?${query}`}`)) {
    const read = decodeJson(body, MANIFEST_BYTES_MAX, (root) => {
      const tags = root.at('tags');
      return tags.present && !tags.isNull ? tags.list().map((tag) => tag.string()) : [];
    });
    if (!read.ok) throw malformed(repository, 'tag list', read.refusal);
    found.push(...read.value);
    if (found.length >= limit) break;
  }
  // Not every registry pages or sorts.
  const after = found.filter((tag) => tag > last).sort();
  return page.limit === undefined ? after : after.slice(0, limit);
}

/** Source: OCI distribution-spec, "Listing Referrers", and "Referrers Tag Schema" where the endpoint is absent. */
export async function listReferrers(
  send: Send,
  repository: Repository,
  digest: Digest,
  artifactType: string | undefined,
): Promise<readonly Descriptor[]> {
  const query = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
  const bodies: Uint8Array[] = [];
  for await (const body of pages(send, repository, `referrers/${digest}${query}`)) bodies.push(body);
  if (bodies.length === 0)
    for await (const body of pages(send, repository, `manifests/${digest.replace(':', '-')}`))
      bodies.push(body);
  const found = bodies.flatMap((body) => {
    const parsed = parseManifest(body, OCI_INDEX);
    if (!parsed.ok) throw malformed(repository, 'referrers', parsed.refusal);
    return parsed.value.kind === 'index' ? parsed.value.manifests : [];
  });
  // A registry may ignore the filter.
  return artifactType === undefined ? found : found.filter((entry) => entry.artifactType === artifactType);
}

/** Bodies of a list's pages; none at all when the list does not exist. Source: RFC 8288, `rel="next"`. */
async function* pages(send: Send, repository: Repository, path: string): AsyncGenerator<Uint8Array> {
  let target: string = `/v2/${repository.name}/${path}`;
  for (let count = 0; count < PAGES_MAX; count++) {
    const headers = { accept: `application/json, ${OCI_INDEX}` };
    const answer = await send(exchangeWith(repository, 'GET', target, { headers, mayBeAbsent: true }));
    if (answer.status === 404) return;
    yield answer.body;
    const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(answer.headers.get('link') ?? '')?.[1];
    if (next === undefined) return;
    target = next;
  }
  throw new RegistryError('malformed', `${repository.host}: a list of more than ${PAGES_MAX} pages`);
}

function malformed(repository: Repository, what: string, refusal: Refusal): RegistryError {
  return new RegistryError(
    'malformed',
    `${what} of ${repository.host}/${repository.name}: ${refusal.message}`,
  );
}
