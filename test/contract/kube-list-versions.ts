import { describe, expect, test } from 'vitest';
import type { Bench } from './kube.ts';
import { WIDGET } from './kube-widget.ts';

interface ListBody {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly { readonly metadata: { readonly name: string; readonly namespace?: string } }[];
}

/** Of which instant a list is, and how one list comes in pages. Source: Kubernetes API concepts, "Resource versions". */
export function listVersionContract(bench: Bench): void {
  bench.needing('HTTP', 'versions and pages of lists', () => {
    describe.each(['widgets', 'configmaps'] as const)('of %s', (plural) => {
      const custom = plural === 'widgets';
      const [apiVersion, kind] = custom ? [WIDGET.apiVersion, 'Widget'] : ['v1', 'ConfigMap'];
      /** A collection that grew to `a` … `e`, of which `a` and `b` are gold. */
      const filled = async () => {
        const namespace = await bench.namespace();
        const everywhere = `/${custom ? 'apis' : 'api'}/${apiVersion}/${plural}`;
        const path = everywhere.replace(plural, `namespaces/${namespace}/${plural}`);
        const versions: string[] = [];
        for (const name of ['a', 'b', 'c', 'd', 'e']) {
          const labels = name < 'c' ? { tier: 'gold' } : {};
          const body = { apiVersion, kind, metadata: { name, labels }, ...(custom && { spec: { size: 1 } }) };
          const { body: made } = await bench.wire.send('POST', path, { body });
          versions.push((made as { metadata: { resourceVersion: string } }).metadata.resourceVersion);
        }
        const list = async (query: WireQuery = {}, at = path): Promise<ListBody> => {
          const reply = await bench.wire.send('GET', at, { query });
          if (reply.status !== 200) throw new Error(JSON.stringify(reply.body));
          return reply.body as ListBody;
        };
        // A server that answers from a cache waits for it here, so that nothing older is answered after it.
        await list({ resourceVersion: versions.at(-1) as string, resourceVersionMatch: 'NotOlderThan' });
        const refusal = (query: WireQuery) => bench.wire.refusal('GET', path, { query });
        return { namespace, path, versions, list, refusal, everywhere };
      };
      type WireQuery = Readonly<Record<string, string | number>>;
      const names = ({ items }: ListBody): string => items.map(({ metadata }) => metadata.name).join('');
      const tokenOf = (claims: object): string => Buffer.from(JSON.stringify(claims)).toString('base64url');

      test.each([
        ['Exact', {}, 'abc'],
        ['Exact', { limit: 2 }, 'ab'],
        ['NotOlderThan', {}, 'abcde'],
        ['NotOlderThan', { limit: 2 }, 'ab'],
        [undefined, {}, 'abcde'],
        [undefined, { limit: 4 }, 'abc'],
      ])('at a past version, matched %s, with %j: %s', async (match, more, found) => {
        const { list, versions } = await filled();
        const asked = {
          resourceVersion: versions[2] as string,
          ...(match && { resourceVersionMatch: match }),
        };
        const answer = await list({ ...asked, ...more });
        expect(names(answer)).toBe(found);
        // A limit without a match means the version exactly, too.
        const isExact = match === 'Exact' || (match === undefined && 'limit' in more);
        expect(answer.metadata.resourceVersion === versions[2]).toBe(isExact);
      });

      test('any version will do: everything at once, whatever the limit', async () => {
        const { list } = await filled();
        for (const match of [{}, { resourceVersionMatch: 'NotOlderThan' }]) {
          const all = await list({ resourceVersion: '0', limit: 2, ...match });
          expect(names(all)).toBe('abcde');
          expect(all.metadata.continue ?? '').toBe('');
        }
      });

      test('a list that does not go on says so only of custom kinds', async () => {
        const { list } = await filled();
        expect((await list()).metadata.continue).toBe(custom ? '' : undefined);
      });

      test.each([
        ['resourceVersionMatch=Exact', 'Invalid', 422],
        ['resourceVersionMatch=NotOlderThan', 'Invalid', 422],
        ['resourceVersion=5&resourceVersionMatch=Near', 'Invalid', 422],
        ['resourceVersion=0&resourceVersionMatch=Exact', 'Invalid', 422],
        ['sendInitialEvents=true', 'Invalid', 422],
        ['resourceVersion=x', 'InternalError', 500],
        ['resourceVersion=-1', 'InternalError', 500],
        ['resourceVersion=x&resourceVersionMatch=Exact', 'BadRequest', 400],
        ['limit=x', 'BadRequest', 400],
      ])('%s is refused as %s', async (query, reason, code) => {
        const { path } = await filled();
        expect(await bench.wire.refusal('GET', `${path}?${query}`)).toMatchObject({ reason, code });
      });

      test.each([
        [{}, 'Timeout', 504],
        [{ resourceVersionMatch: 'NotOlderThan' }, 'Timeout', 504],
        [{ resourceVersionMatch: 'Exact' }, 'InternalError', 500],
        [{ limit: 1 }, 'InternalError', 500],
      ])('a version that is yet to come, with %j, is refused as %s', async (more, reason, code) => {
        const { refusal } = await filled();
        const answer = await refusal({ resourceVersion: '99999999', ...more });
        expect(answer).toMatchObject({ reason, code });
        if (reason === 'Timeout') expect(answer.causes).toEqual(['ResourceVersionTooLarge ']);
      });

      test('pages say how many follow, and the last one that none do', async () => {
        const { list } = await filled();
        const first = await list({ limit: 2 });
        expect([names(first), first.metadata.remainingItemCount]).toEqual(['ab', 3]);
        const second = await list({ limit: 2, continue: first.metadata.continue ?? '' });
        expect([names(second), second.metadata.remainingItemCount]).toEqual(['cd', 1]);
        const third = await list({ limit: 2, continue: second.metadata.continue ?? '' });
        expect([names(third), third.metadata.remainingItemCount]).toEqual(['e', undefined]);
        expect(third.metadata.continue ?? '').toBe('');
        expect(names(await list({ continue: first.metadata.continue ?? '' }))).toBe('cde');
      });

      test('a list of all namespaces comes in pages, too, by the order of its keys', async () => {
        const { list, everywhere } = await filled();
        const keys: string[] = [];
        for (let token = ''; ; ) {
          const page = await list({ limit: 7, ...(token && { continue: token }) }, everywhere);
          keys.push(...page.items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
          token = page.metadata.continue ?? '';
          if (token === '') break;
        }
        expect(keys.length).toBeGreaterThanOrEqual(5);
        expect(keys).toEqual([...keys].sort());
      });

      test('with a selector nobody counts, and there may be a page more than there are objects for it', async () => {
        const { list } = await filled();
        const labelSelector = 'tier=gold';
        const first = await list({ limit: 2, labelSelector });
        expect([names(first), first.metadata.remainingItemCount]).toEqual(['ab', undefined]);
        const token = first.metadata.continue ?? '';
        // Custom kinds know their last page.
        if (token !== '') expect(names(await list({ limit: 2, labelSelector, continue: token }))).toBe('');
        const one = await list({ limit: 1, labelSelector });
        const two = await list({ limit: 1, labelSelector, continue: one.metadata.continue ?? '' });
        expect([names(one), names(two)]).toEqual(['a', 'b']);
      });

      test('a token goes on with whatever selector it is used', async () => {
        const { list } = await filled();
        const token = (await list({ limit: 1 })).metadata.continue ?? '';
        expect(names(await list({ continue: token, labelSelector: 'tier=gold' }))).toBe('b');
      });

      test('a token says where and when to go on, and nothing else', async () => {
        const { list, versions } = await filled();
        const at = (rv: number, start: string): string => tokenOf({ v: 'meta.k8s.io/v1', rv, start });
        const first = await list({ limit: 2 });
        expect(JSON.parse(Buffer.from(first.metadata.continue ?? '', 'base64url').toString())).toEqual({
          v: 'meta.k8s.io/v1',
          rv: Number(first.metadata.resourceVersion),
          start: '/b\0',
        });
        expect(names(await list({ continue: at(Number(versions[3]), 'b') }))).toBe('bcd');
        const present = await list({ limit: 1, continue: at(-1, 'b\0') });
        expect([names(present), present.metadata.remainingItemCount]).toEqual(['c', 2]);
        expect(Number(present.metadata.resourceVersion)).toBeGreaterThanOrEqual(Number(versions[4]));
      });

      test.each([
        [{ v: 'meta.k8s.io/v1', rv: 0, start: 'a' }, 'incorrect encoded start resourceVersion'],
        [{ v: 'meta.k8s.io/v9', rv: 5, start: 'a' }, 'server does not recognize this encoded version'],
        [{ v: 'meta.k8s.io/v1', rv: 5, start: '' }, 'encoded start key empty'],
        [{ v: 'meta.k8s.io/v1', rv: 5, start: '../b' }, '../b'],
      ])('the token of %j is refused', async (claims, why) => {
        const { refusal } = await filled();
        const answer = await refusal({ continue: tokenOf(claims) });
        expect(answer.reason).toBe('BadRequest');
        expect(answer.message).toContain(`invalid continue token: continue key is not valid: ${why}`);
      });

      test('a token has its own version', async () => {
        const { list, refusal, versions } = await filled();
        const token = (await list({ limit: 1 })).metadata.continue ?? '';
        const resourceVersion = versions[0] as string;
        expect((await refusal({ continue: token, resourceVersion })).reason).toBe('BadRequest');
        const resourceVersionMatch = 'Exact';
        expect((await refusal({ continue: token, resourceVersion, resourceVersionMatch })).reason).toBe(
          'Invalid',
        );
        expect(names(await list({ continue: token, resourceVersion: '0' }))).toBe('bcde');
        const future = tokenOf({ v: 'meta.k8s.io/v1', rv: 99_999_999, start: 'a' });
        expect((await refusal({ continue: future })).code).toBe(500);
      });

      test('one object is of the present, or of no version that is yet to come', async () => {
        const { path } = await filled();
        const get = (resourceVersion: string) =>
          bench.wire.send('GET', `${path}/a`, { query: { resourceVersion } });
        expect((await get('0')).status).toBe(200);
        expect(await get('99999999')).toMatchObject({ status: 504, body: { reason: 'Timeout' } });
        expect((await get('x')).status).toBe(500);
      });
    });
  });
}
