import { HttpRegistry } from '../../operator/adapters/registry-http.ts';
import { serveRegistry } from '../../sim/registry/http.ts';
import { InProcessRegistry } from '../../sim/registry/in-process.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { type RegistryUnderTest, referrersContract, registryContract } from '../contract/registry.ts';
import { idleClock } from '../oci/idle-clock.ts';
import { hastyClock } from './hasty-clock.ts';

async function openInProcess(): Promise<RegistryUnderTest> {
  const host = 'registry.local';
  const registry = new InProcessRegistry(new RegistryStore(), { hosts: [host], clock: idleClock });
  return { registry, host, close: async () => {} };
}

async function openOverHttp(): Promise<RegistryUnderTest> {
  const { host, close } = await serveRegistry(new RegistryStore());
  return { registry: new HttpRegistry({ clock: hastyClock() }), host, close };
}

for (const contract of [registryContract, referrersContract]) {
  contract('in process', openInProcess);
  contract('over HTTP', openOverHttp);
}
