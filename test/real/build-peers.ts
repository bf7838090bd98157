import { buildControllerManager, buildEtcd, buildKubeApiserver } from './kube-apiserver.ts';
import { buildOras } from './oras-peer.ts';

// Compiles the peers that are Go modules before any test waits for them: minutes on a fresh machine, nothing after.
for (const build of [buildOras, buildEtcd, buildKubeApiserver, buildControllerManager])
  console.log(await build());
