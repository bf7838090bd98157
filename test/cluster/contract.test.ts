import { kubeContract } from '../contract/kube.ts';
import { ClusterInTest } from './cluster-in-test.ts';
import { embeddedUsers } from './embedded-users.ts';

kubeContract('the embedded cluster in process', { HTTP: 'calls, not requests' }, async () => {
  const { users, userOf, tokenOf } = embeddedUsers();
  const world = new ClusterInTest({ access: { rbac: true, users }, tracksWriters: true });
  return {
    api: world.api,
    doors: { as: (name) => world.cluster.as(userOf(name)), tokenOf },
    forgetPast: async () => world.cluster.compact(),
    settle: () => world.pass(1),
    close: async () => {},
  };
});
