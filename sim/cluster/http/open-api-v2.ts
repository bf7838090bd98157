import type { Document } from './document.ts';

/**
 * The OpenAPI v2 document, with no path in it: every schema is in v3. kubectl asks for this one about a kind that v3
 * does not have, as protobuf, and takes its silence for no objection.
 */
export function openApiV2(version: string, accept = ''): Document {
  const info = { title: 'Kubernetes', version };
  if (!accept.includes(PROTOBUF))
    return { body: { swagger: '2.0', info, paths: {}, definitions: {} }, contentType: 'application/json' };
  const about = Buffer.concat([field(1, Buffer.from(info.title)), field(2, Buffer.from(info.version))]);
  return {
    body: Buffer.concat([field(SWAGGER, Buffer.from('2.0')), field(INFO, about)]),
    contentType: PROTOBUF.replace('@', '.'),
  };
}

/** Source: gnostic-models, openapiv2/OpenAPIv2.proto, message Document; an Info has its title in 1, its version in 2. */
const SWAGGER = 1;
const INFO = 2;
/** As it is asked for; the answer names it without `@`, which no media type may have. */
const PROTOBUF = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

/** A field with a length under 128. Source: protobuf, "Encoding". */
function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, content.length]), content]);
}
