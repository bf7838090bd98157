import type { DeleteOptions, WriteOptions } from '../../src/kube/api.ts';

/** The sides of an object that requests can be about. */
export type Subresource = NonNullable<WriteOptions['subresource']> | 'binding';

/** What every request to the server carries besides its object. */
export interface WriteRequest extends Omit<WriteOptions, 'subresource'> {
  readonly subresource?: Subresource;
  readonly user: string;
  /** Everything happens but the commit. */
  readonly dryRun?: boolean;
  /** What becomes of fields that the schema does not know. Absent: dropped in silence. */
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
  /** Receives lines for a Warning header. */
  readonly warn?: (text: string) => void;
}

export interface DeleteRequest extends DeleteOptions {
  readonly user: string;
  readonly dryRun?: boolean;
  /** Receives lines for a Warning header. */
  readonly warn?: (text: string) => void;
}

export const SERVER_REQUEST: WriteRequest = { user: 'system:apiserver' };
