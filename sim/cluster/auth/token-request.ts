import { KubeError } from '../../../src/kube/error.ts';
import { invalidValue, joinCauses } from '../../../src/kube/field-cause.ts';
import { timestamp } from '../../../src/time/clock.ts';
import type { ApiServer } from '../api-server.ts';
import { at, textAt } from '../printer.ts';
import type { SubresourceAction } from '../resource.ts';
import { badRequest, conflict, notFound } from '../status-errors.ts';
import { isMembers, type Members, type StoredObject } from '../stored-object.ts';
import { ISSUER, type ServiceAccountTokens, type TokenOrder } from './service-account-tokens.ts';

const KIND = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' };

const LIFE_SECONDS_DEFAULT = 3600;
const LIFE_SECONDS_MIN = 600;
const LIFE_SECONDS_MAX = 2 ** 32;

/** `serviceaccounts/token`. Source: kubernetes, pkg/registry/core/serviceaccount/storage/token.go (v1.32). */
export function tokenRequest(server: ApiServer, tokens: ServiceAccountTokens): SubresourceAction {
  return {
    kind: KIND,
    create: (account, body) => {
      const { namespace = '', name } = account.metadata;
      const request = isMembers(body) ? body : {};
      if (textAt(request, 'kind') !== KIND.kind)
        throw badRequest(`the body must be a ${KIND.kind} of ${KIND.group}/${KIND.version}`);
      const named = textAt(request, 'metadata.name');
      if (named !== '' && named !== name)
        throw invalid(name, 'metadata.name', named, 'must match the service account name if specified');
      const audiences = textsAt(request, 'spec.audiences');
      const lifeSeconds = at(request, 'spec.expirationSeconds') ?? LIFE_SECONDS_DEFAULT;
      const field = 'spec.expirationSeconds';
      if (typeof lifeSeconds !== 'number' || !Number.isInteger(lifeSeconds) || lifeSeconds < LIFE_SECONDS_MIN)
        throw invalid('', field, lifeSeconds, 'may not specify a duration less than 10 minutes');
      if (lifeSeconds > LIFE_SECONDS_MAX)
        throw invalid('', field, lifeSeconds, 'may not specify a duration larger than 2^32 seconds');
      const reference = at(request, 'spec.boundObjectRef');
      const boundTo = isMembers(reference) ? bound(server, account, reference) : undefined;
      const order: TokenOrder = {
        account,
        audiences: audiences.length > 0 ? audiences : [ISSUER],
        lifeSeconds,
        ...(boundTo && { boundTo }),
      };
      return {
        kind: KIND.kind,
        apiVersion: `${KIND.group}/${KIND.version}`,
        metadata: { name, namespace, creationTimestamp: timestamp(server.clock) },
        spec: {
          audiences: order.audiences,
          expirationSeconds: lifeSeconds,
          boundObjectRef: reference ?? null,
        },
        status: { token: tokens.issue(order), expirationTimestamp: later(server, lifeSeconds) },
      };
    },
  };
}

/** The Pod or Secret that a token is to live no longer than. Throws KubeError. */
function bound(server: ApiServer, account: StoredObject, reference: Members): TokenOrder['boundTo'] {
  const kind = textAt(reference, 'kind');
  const [name, uid] = [textAt(reference, 'name'), textAt(reference, 'uid')];
  if ((kind !== 'Pod' && kind !== 'Secret') || textAt(reference, 'apiVersion') !== 'v1')
    throw badRequest(`cannot bind token to object of type ${textAt(reference, 'apiVersion')}, Kind=${kind}`);
  const resource = server.catalog.find('', `${kind.toLowerCase()}s`);
  if (resource === undefined) throw new Error(`${kind} is a kind of every cluster`);
  const found = server.store.table(resource).get(account.metadata.namespace ?? '', name);
  if (found === undefined) throw notFound(resource, name);
  if (kind === 'Pod' && textAt(found, 'spec.serviceAccountName') !== account.metadata.name)
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(account.metadata.name)} to pod running with different serviceaccount name.`,
    );
  if (uid !== '' && uid !== found.metadata.uid)
    throw conflict(
      resource,
      name,
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  return { kind, name, uid: found.metadata.uid };
}

function invalid(name: string, field: string, value: unknown, why: string): KubeError {
  const cause = invalidValue(field, value, why);
  const message = `${KIND.kind}.${KIND.group} ${JSON.stringify(name)} is invalid: ${joinCauses([cause])}`;
  return new KubeError('Invalid', message, {
    ...(name && { name }),
    group: KIND.group,
    kind: KIND.kind,
    causes: [cause],
  });
}

function textsAt(object: unknown, path: string): readonly string[] {
  const value = at(object, path);
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

function later({ clock }: ApiServer, seconds: number): string {
  return timestamp({ epochMs: clock.epochMs, nowMs: clock.nowMs + seconds * 1000 });
}
