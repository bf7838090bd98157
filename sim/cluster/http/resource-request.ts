import type { UserInfo } from '../auth/user.ts';
import type { ResourceRoute } from './route.ts';

/** One request on a resource, its body already read as JSON. */
export interface ResourceRequest {
  readonly method: string;
  readonly route: ResourceRoute;
  readonly query: URLSearchParams;
  readonly accept: string | undefined;
  readonly contentType: string | undefined;
  readonly body: unknown;
  readonly bodyBytes: number;
  /** Paths of members that the body has twice; the last one counts. */
  readonly duplicates: readonly string[];
  /** Keys that a YAML body has twice, as its reader complains of them; the last one counts. */
  readonly repeatedKeys: readonly string[];
  readonly userAgent: string | undefined;
  readonly user: UserInfo;
}
