import type { DeleteOptions, WriteOptions } from '../../src/kube/api.ts';
import type { UserInfo } from './auth/user.ts';

/** The sides of an object that requests can be about. */
export type Subresource = NonNullable<WriteOptions['subresource']> | 'binding';

/** What every request to the server carries besides its object. */
export interface WriteRequest extends Omit<WriteOptions, 'subresource'> {
  readonly subresource?: Subresource;
  readonly user: string;
  /** Who asks, where that decides about the answer. Absent: a part of the server, which may do everything. */
  readonly asker?: UserInfo;
  /** Everything happens but the commit. */
  readonly dryRun?: boolean;
  /** What becomes of fields that the schema does not know. Absent: dropped in silence. */
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
  /** Size of the request's body, where it had one. */
  readonly bodyBytes?: number;
  /** Paths of members that the body had twice: as unwelcome as unknown ones. */
  readonly duplicates?: readonly string[];
  /** Keys that the request's YAML had twice, as its reader complains of them. */
  readonly repeatedKeys?: readonly string[];
  /** Receives lines for a Warning header. */
  readonly warn?: (text: string) => void;
}

export interface DeleteRequest extends DeleteOptions {
  readonly user: string;
  readonly dryRun?: boolean;
  /** Receives lines for a Warning header. */
  readonly warn?: (text: string) => void;
}

/**
 * Who furnishes a cluster before its story begins. What it creates draws its uids from a stream of its own,
 * so that other furniture moves nothing in the story.
 */
export const INSTALLER = 'system:installer';

export const SERVER_REQUEST: WriteRequest = { user: 'system:apiserver' };
