import type { Random } from '../../../src/random/random.ts';
import type { Clock } from '../../../src/time/clock.ts';
import { NODE_NAME } from '../../cast.ts';
import { EmbeddedCluster } from '../../cluster/embedded-cluster.ts';
import { HttpDoor } from '../../cluster/http/http-door.ts';
import { kubeconfig } from '../../cluster/http/http-kubeconfig.ts';
