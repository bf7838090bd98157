import { AUTHENTICATED, MASTERS, type UserInfo } from '../../sim/cluster/auth/user.ts';
import { ACCESS_USERS } from '../contract/access-bench.ts';

/** The users of the contract as an embedded cluster knows them: the token of each is their name. */
export function embeddedUsers() {
  const known: readonly { readonly name: string; readonly groups: readonly string[] }[] = [
    { name: 'admin', groups: [MASTERS] },
    ...ACCESS_USERS,
  ];
  const users = new Map<string, UserInfo>(
    known.map(({ name, groups }) => [name, { name, groups: [...groups, AUTHENTICATED] }]),
  );
  return {
    users,
    tokenOf: (name: string): string => name,
    userOf(name: string): UserInfo {
      const user = users.get(name);
      if (user === undefined) throw new Error(`${name} is no user of the contract`);
      return user;
    },
  };
}
