/** What the server says about itself. */
export interface Document {
  /** A text or bytes are sent as they are, anything else as JSON. */
  readonly body: unknown;
  readonly contentType: string;
}
