import { kubeContract } from '../contract/kube.ts';
import { ClusterInTest } from './cluster-in-test.ts';

kubeContract('the embedded cluster in process', { HTTP: 'calls, not requests' }, async () => {
  const world = new ClusterInTest();
  return { api: world.api, settle: () => world.pass(1), close: async () => {} };
});
