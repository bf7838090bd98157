import { randomBytes } from 'node:crypto';
import { HttpRegistry } from '../../operator/adapters/registry-http.ts';
import type { Registry } from '../../src/oci/registry.ts';
import type { Random } from '../../src/random/random.ts';
import type { Clock } from '../../src/time/clock.ts';
import { NODE_NAME } from '../cast.ts';
import { RegistryWeather } from '../faults/registry-weather.ts';
import { serveRegistry } from '../registry/http.ts';
import { RegistryStore } from '../registry/store.ts';
import { TrafficMeter } from '../registry/traffic-meter.ts';

/** The registry of a live world: over HTTP, behind logins, under whatever weather the story has. */
export interface LiveRegistry {
  /** Host part of references. */
  readonly host: string;
  readonly weather: RegistryWeather;
  readonly meter: TrafficMeter;
  /** A client that may push, with tokens of its own. */
  readonly client: Registry;
  /** Frees the port. Idempotent. */
  close(): Promise<void>;
}

/** A request without progress is given up after this time of the story, and never sooner than after that of ours. */
const STALL = { storyMs: 30_000, realMs: 1_500 } as const;
const USER = 'fleet';

/** Serves on a free port of loopback; who looks on may read without a login. Rejects with the system's error. */
export async function startRegistry(clock: Clock, random: Random, speed: number): Promise<LiveRegistry> {
  const store = new RegistryStore();
  const weather = new RegistryWeather(store, random);
  const meter = new TrafficMeter(store, NODE_NAME);
  const password = randomBytes(16).toString('hex');
  const users = new Map([[USER, password]]);
  const { host, close } = await serveRegistry(store, {
    auth: { users, anonymousPull: true, secret: randomBytes(32), clock },
    faults: { intercept: weather.intercept, clock },
    meter,
  });
  const client = new HttpRegistry({
    clock,
    stallMsMax: Math.max(STALL.storyMs, STALL.realMs * speed),
    credentials: () => ({ username: USER, password }),
  });
  return { host, weather, meter, client, close };
}
