import type { Random } from '../../src/random/random.ts';
import type { Clock } from '../../src/time/clock.ts';
import { CAST_USERS, usersOf } from '../cast.ts';
import { EmbeddedCluster } from '../cluster/embedded-cluster.ts';
import { HttpDoor } from '../cluster/http/http-door.ts';
import { ApiWeather } from '../faults/api-weather.ts';
import type { ApiStage } from '../faults/stage.ts';

/** The embedded cluster over sockets of this machine, with weather. */
export interface LiveCluster {
  /** For everybody who looks on. */
  readonly url: string;
  /** Where one of the cast finds it, so that faults can tell who asks. */
  urlOf(user: string): string;
  readonly api: ApiStage & { readonly cluster: EmbeddedCluster };
  /** Frees every port. */
  close(): Promise<void>;
}

/** Rejects with the system's error when no port can be opened. */
export async function startCluster(clock: Clock, random: Random): Promise<LiveCluster> {
  const weather = new ApiWeather(random.split('api-weather'));
  const { intercept, interceptWatch } = weather;
  const cluster = new EmbeddedCluster({ clock, random: random.split('cluster'), intercept, interceptWatch });
  const door = new HttpDoor(cluster);
  const url = await door.listen();
  const doors = [door];
  const urls = new Map<string, string>();
  for (const user of CAST_USERS) {
    const own = new HttpDoor(cluster, user);
    doors.push(own);
    urls.set(user, await own.listen());
  }
  return {
    url,
    urlOf: (user) => urls.get(user) ?? url,
    api: { weather, cluster, usersOf },
    close: async () => {
      for (const one of doors) await one.close();
    },
  };
}
