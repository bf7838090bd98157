import {
  type PolicyRule,
  RBAC_GROUP,
  type Role,
  type RoleBinding,
  type RoleRef,
  type Subject,
} from '../../../src/kube/rbac.ts';
import type { ApiServer } from '../api-server.ts';
import type { Table } from '../table.ts';
import type { Access, Decision } from './access.ts';
import { ruleAllows } from './policy-rule.ts';
import { MASTERS, serviceAccountUser, type UserInfo } from './user.ts';

/** What somebody may do in one namespace, and what was wrong with the bindings that give it. */
export interface Rules {
  readonly rules: readonly PolicyRule[];
  /** For each rule, the binding it comes from. */
  readonly sources: readonly string[];
  readonly problems: readonly string[];
}

/**
 * Decides by roles and bindings, as they are in the store at that moment.
 * Source: kubernetes, plugin/pkg/auth/authorizer/rbac and pkg/registry/rbac/validation/rule.go.
 */
export class Rbac {
  readonly #tables: Readonly<
    Record<'roles' | 'rolebindings' | 'clusterroles' | 'clusterrolebindings', Table>
  >;
  #rules = new WeakMap<UserInfo, Map<string, Rules>>();

  constructor({ store, catalog }: ApiServer) {
    const table = (plural: string): Table => {
      const resource = catalog.find(RBAC_GROUP, plural);
      if (resource === undefined) throw new Error(`${plural} are a kind of every cluster`);
      return store.table(resource);
    };
    this.#tables = {
      roles: table('roles'),
      rolebindings: table('rolebindings'),
      clusterroles: table('clusterroles'),
      clusterrolebindings: table('clusterrolebindings'),
    };
    store.observe((_change, { resource }) => {
      if (resource.group === RBAC_GROUP) this.#rules = new WeakMap();
    });
  }

  readonly authorize = (user: UserInfo, access: Access): Decision => {
    if (user.groups.includes(MASTERS)) return { allowed: true, reason: '' };
    const namespace = access.type === 'resource' ? access.namespace : '';
    const { rules, sources, problems } = this.rulesFor(user, namespace);
    const index = rules.findIndex((rule) => ruleAllows(rule, access));
    if (index >= 0) return { allowed: true, reason: `RBAC: allowed by ${sources[index]}` };
    return { allowed: false, reason: problems.length === 0 ? '' : `RBAC: ${joined(problems)}` };
  };

  /** Everything that bindings give `user` in a namespace; in the empty one what they give everywhere. */
  rulesFor(user: UserInfo, namespace: string): Rules {
    let known = this.#rules.get(user);
    if (known === undefined) {
      known = new Map();
      this.#rules.set(user, known);
    }
    let rules = known.get(namespace);
    if (rules === undefined) {
      rules = this.#collect(user, namespace);
      known.set(namespace, rules);
    }
    return rules;
  }

  /** The rules of the role that a binding names; a text says why there are none. */
  rulesOf({ kind, name }: RoleRef, bindingNamespace: string): readonly PolicyRule[] | string {
    const role =
      kind === 'Role'
        ? this.#tables.roles.get(bindingNamespace, name)
        : this.#tables.clusterroles.get('', name);
    if (role === undefined) return `${kind.toLowerCase()}.${RBAC_GROUP} ${JSON.stringify(name)} not found`;
    return (role as Role).rules ?? [];
  }

  #collect(user: UserInfo, namespace: string): Rules {
    const found = { rules: [] as PolicyRule[], sources: [] as string[], problems: [] as string[] };
    const add = (binding: RoleBinding, where: string): void => {
      const { roleRef, subjects = [], metadata } = binding;
      const subject = subjects.find((one) => isMeant(user, one, where));
      if (subject === undefined) return;
      const rules = this.rulesOf(roleRef, where);
      if (typeof rules === 'string') return void found.problems.push(rules);
      const name = where === '' ? metadata.name : `${metadata.name}/${where}`;
      const role = `${roleRef.kind} ${JSON.stringify(roleRef.name)}`;
      const source = `${binding.kind} ${JSON.stringify(name)} of ${role} to ${subjectText(subject, where)}`;
      for (const rule of rules) {
        found.rules.push(rule);
        found.sources.push(source);
      }
    };
    for (const binding of this.#tables.clusterrolebindings.list()) add(binding as object as RoleBinding, '');
    if (namespace !== '')
      for (const binding of this.#tables.rolebindings.list(namespace))
        add(binding as object as RoleBinding, namespace);
    return found;
  }
}

/** In a binding of a namespace, a ServiceAccount without one is of the same. */
function isMeant(user: UserInfo, { kind, name, namespace }: Subject, bindingNamespace: string): boolean {
  switch (kind) {
    case 'User':
      return user.name === name;
    case 'Group':
      return user.groups.includes(name);
    case 'ServiceAccount': {
      const where = namespace || bindingNamespace;
      return where !== '' && user.name === serviceAccountUser(where, name).name;
    }
    default:
      return false;
  }
}

function subjectText({ kind, name, namespace }: Subject, bindingNamespace: string): string {
  const shown = kind === 'ServiceAccount' ? `${name}/${namespace || bindingNamespace}` : name;
  return `${kind} ${JSON.stringify(shown)}`;
}

function joined(problems: readonly string[]): string {
  const distinct = [...new Set(problems)];
  return distinct.length === 1 ? (distinct[0] ?? '') : `[${distinct.join(', ')}]`;
}
