import { X509Certificate } from 'node:crypto';
import { MirroredRegistry, mirrorsIn } from '../../src/oci/mirrored-registry.ts';
import { accept, type Decoded, refuse } from '../../src/oci/refusal.ts';
import type { Registry } from '../../src/oci/registry.ts';
import { credentialsIn, usualCredentialFiles } from './registry-credentials.ts';
import { HttpRegistry, type HttpRegistryOptions } from './registry-http.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A mirror that does not answer at once is passed over. */
const ONE_TRY = { attemptsMax: 1, backoffMs: 1, waitMsMax: 1 };

/** Registries over HTTP, each behind its mirrors, written `HOST=MIRROR`. Refuses a mirror that is written otherwise. */
export function openRegistries(options: HttpRegistryOptions, mirrors: readonly string[]): Decoded<Registry> {
  const direct = new HttpRegistry(options);
  if (mirrors.length === 0) return accept(direct);
  const read = mirrorsIn(mirrors);
  if (!read.ok) return read;
  return accept(new MirroredRegistry(direct, read.value, new HttpRegistry({ ...options, retry: ONE_TRY })));
}

/**
 * The registries of a process in a cluster, as its environment says: `REGISTRY_INSECURE_HOSTS` and
 * `REGISTRY_MIRRORS` (`HOST=MIRROR`), both comma-separated; `REGISTRY_CA`, certificates in PEM; logins from the
 * files that docker and podman use, so that `DOCKER_CONFIG` may name a folder with a Secret in it.
 *
 * Refused, by the variable: what cannot be read. Logins are read when a registry asks for one.
 */
export function registriesOf(
  environment: Environment,
  ports: Pick<HttpRegistryOptions, 'clock' | 'random'>,
): Decoded<Registry> {
  const {
    REGISTRY_CA: authorities = '',
    REGISTRY_INSECURE_HOSTS: insecure,
    REGISTRY_MIRRORS: mirrors,
  } = environment;
  if (authorities !== '' && !isCertificate(authorities))
    return refuse('malformed', 'REGISTRY_CA', 'holds no certificate in PEM');
  // A container's user may have no home that the system knows of.
  const files = usualCredentialFiles({ ...environment, HOME: environment.HOME ?? '/' });
  const opened = openRegistries(
    {
      ...ports,
      credentials: credentialsIn({ files }),
      insecureHosts: listIn(insecure),
      certificateAuthorities: authorities === '' ? [] : [authorities],
    },
    listIn(mirrors),
  );
  return opened.ok ? opened : refuse(opened.refusal.code, 'REGISTRY_MIRRORS', opened.refusal.message);
}

function listIn(text = ''): readonly string[] {
  return text.split(',').filter((entry) => entry !== '');
}

/** Whether a text begins with a certificate in PEM, or explanations and then one. */
export function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined;
  } catch {
    return false;
  }
}
