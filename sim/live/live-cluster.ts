import type { KubeConnection } from '../../operator/adapters/kube-connection.ts';
import type { Random } from '../../src/random/random.ts';
import type { Clock } from '../../src/time/clock.ts';
import { usersOf } from '../cast.ts';
import type { UserInfo } from '../cluster/auth/user.ts';
import { EmbeddedCluster } from '../cluster/embedded-cluster.ts';
import { HttpDoor } from '../cluster/http/http-door.ts';
import { ApiWeather } from '../faults/api-weather.ts';
import type { ApiStage } from '../faults/stage.ts';

/** The embedded cluster over sockets of this machine, with weather. */
export interface LiveCluster {
  /** For everybody who looks on. */
  readonly url: string;
  /** Where one of the cast finds it, with a token of their own, so that faults can tell who asks. */
  connectionOf(user: UserInfo): KubeConnection;
  readonly api: ApiStage & { readonly cluster: EmbeddedCluster };
  /** Frees every port. */
  close(): Promise<void>;
}

/** Rejects with the system's error when no port can be opened. */
export async function startCluster(clock: Clock, random: Random): Promise<LiveCluster> {
  const weather = new ApiWeather(random.split('api-weather'));
  const { intercept, interceptWatch } = weather;
  const users = new Map<string, UserInfo>();
  const cluster = new EmbeddedCluster({
    ...{ clock, random: random.split('cluster'), intercept, interceptWatch },
    access: { users },
  });
  const door = new HttpDoor(cluster);
  const url = await door.listen();
  return {
    url,
    connectionOf: (user) => {
      const token = Buffer.from(random.split(`token/${user.name}`).bytes(16)).toString('hex');
      users.set(token, user);
      return { url, token };
    },
    api: { weather, cluster, usersOf },
    close: () => door.close(),
  };
}
