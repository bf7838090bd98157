import type { KubeApi } from '../../../src/kube/api.ts';
import { SERVICE, type Service } from '../../../src/kube/core.ts';
import type { Clock } from '../../../src/time/clock.ts';
import { followObjects } from './object-feed.ts';
import { writePersistently } from './persistent-write.ts';

export interface LoadBalancerOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  /** Addresses to give out, in this order; a Service that finds none left stays pending. */
  readonly addresses: readonly string[];
}

/** Stands in for a cloud's load balancer: gives Services of that type an address from a pool, and takes it back. */
export class LoadBalancer {
  readonly #options: LoadBalancerOptions;
  /** Uid of the Service that has an address, and the other way round. */
  readonly #holders = new Map<string, string>();
  readonly #addresses = new Map<string, string>();
  /** Services without an address, in the order they asked. */
  readonly #waiting = new Map<string, Service>();

  constructor(options: LoadBalancerOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { api, clock } = this.#options;
    await followObjects(api, SERVICE, {}, clock, signal, {
      present: (service) => this.#look(service, signal),
      gone: (service) => this.#release(service, signal),
    });
  }

  #look(service: Service, signal: AbortSignal): void {
    const { uid, deletionTimestamp } = service.metadata;
    if (service.spec.type !== 'LoadBalancer' || deletionTimestamp !== undefined) return;
    const held = ingressOf(service);
    if (held !== undefined) this.#take(held, uid);
    else if (!this.#addresses.has(uid)) {
      this.#waiting.set(uid, service);
      this.#serve(signal);
    }
  }

  #release({ metadata: { uid } }: Service, signal: AbortSignal): void {
    this.#waiting.delete(uid);
    const address = this.#addresses.get(uid);
    if (address !== undefined) this.#holders.delete(address);
    this.#addresses.delete(uid);
    this.#serve(signal);
  }

  #serve(signal: AbortSignal): void {
    for (const [uid, service] of this.#waiting) {
      const address = this.#options.addresses.find((one) => !this.#holders.has(one));
      if (address === undefined) return;
      this.#waiting.delete(uid);
      this.#take(address, uid);
      void this.#write(service, address, signal);
    }
  }

  #take(address: string, uid: string): void {
    this.#holders.set(address, uid);
    this.#addresses.set(uid, address);
  }

  async #write({ metadata }: Service, ip: string, signal: AbortSignal): Promise<void> {
    const { api, clock } = this.#options;
    const { namespace = '', name, uid } = metadata;
    const body = { metadata: { uid }, status: { loadBalancer: { ingress: [{ ip }] } } };
    const write = (): Promise<Service> =>
      api.patch(SERVICE, { namespace, name }, { type: 'merge', body }, { subresource: 'status' });
    await writePersistently(write, clock, signal);
  }
}

function ingressOf(service: Service): string | undefined {
  const { status } = service as { status?: { loadBalancer?: { ingress?: readonly { ip?: string }[] } } };
  return status?.loadBalancer?.ingress?.[0]?.ip;
}
