import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { credentialsIn, usualCredentialFiles } from '../../operator/adapters/registry-credentials.ts';
import type { HttpRegistryOptions } from '../../operator/adapters/registry-http.ts';
import { LayoutRegistry } from '../../operator/adapters/registry-layout.ts';
import { isCertificate, openRegistries } from '../../operator/adapters/registry-settings.ts';
import { WallClock } from '../../operator/adapters/wall-clock.ts';
import { formatReference, isTag, parseReference, type Reference } from '../oci/reference.ts';
import type { Registry } from '../oci/registry.ts';
import { RETRY_POLICY } from '../oci/retry.ts';
import { SeededRandom } from '../random/random.ts';
import { rejectUsage } from './failure.ts';
import { readTextInput } from './input-file.ts';
import { parseWhole } from './number-argument.ts';
import { collect } from './parent-command.ts';

/** Options of every command that speaks to a registry. */
export interface EndpointOptions {
  readonly plainHttp?: readonly string[];
  readonly tls?: readonly string[];
  readonly caFile?: readonly string[];
  readonly authfile?: string;
  readonly mirror?: readonly string[];
  readonly username?: string;
  readonly passwordStdin?: boolean;
  readonly parallel?: string;
  readonly attempts?: string;
}

/** An artifact's place: a registry or an image layout behind the same port. */
export interface Endpoint {
  readonly registry: Registry;
  readonly reference: Reference;
  /** As `resolveFirmware` reads it. */
  readonly text: string;
  /** As the person wrote it. */
  readonly written: string;
}

const LAYOUT_PREFIX = 'oci:';
/** A layout has no host; the port wants one. Source: RFC 2606, `.invalid`. */
const LAYOUT_PLACE = { host: 'layout.invalid', name: 'layout' };
export const PLACE_HELP = 'HOST/NAME:TAG of a registry, or oci:FOLDER[:TAG] for an image layout in a folder';

/** Adds the options that `EndpointOptions` holds. */
export function withEndpointOptions(command: Command): Command {
  return command
    .option('--plain-http <host>', 'speak to this host without TLS; again for more', collect)
    .option(
      '--tls <host>',
      "speak TLS to this host although it is this machine's own; again for more",
      collect,
    )
    .option('--ca-file <file>', 'trust the authorities in this PEM file, too', collect)
    .option('--authfile <file>', 'logins, as docker and podman write them, instead of the usual files')
    .option('--username <name>', 'login for every registry of the command, with --password-stdin')
    .option('--password-stdin', 'read the password of --username from standard input')
    .option('--mirror <host=mirror>', 'ask the mirror before the host; again for more', collect)
    .option('--parallel <count>', 'requests on their way at once', '8')
    .option('--attempts <count>', 'tries of a request that may yet succeed', '5');
}

/** Makes endpoints; all of one command share connections, tokens and layouts. */
export function openEndpoints(options: EndpointOptions): (place: string) => Endpoint {
  const remote = remoteRegistry(options);
  return (written) => {
    if (written.startsWith(LAYOUT_PREFIX)) return layoutEndpoint(written);
    const parsed = parseReference(written);
    // What was written is not repeated: people put passwords before an @.
    if (!parsed.ok) rejectUsage(`${parsed.refusal.message}; write ${PLACE_HELP}`);
    const reference = parsed.value;
    return { registry: remote, reference, text: formatReference(reference), written };
  };
}

/** Parallel requests that the options ask for. */
export function parallelOf({ parallel = '8' }: EndpointOptions): number {
  return parseWhole('--parallel', parallel, 1, 999);
}

/** `oci:FOLDER[:TAG]`; a colon after the last slash starts the tag. */
function layoutEndpoint(written: string): Endpoint {
  const rest = written.slice(LAYOUT_PREFIX.length);
  const colon = rest.lastIndexOf(':');
  const tag = rest.slice(colon + 1);
  const isTagged = colon > 0 && !tag.includes('/') && !tag.includes('\\');
  const folder = isTagged ? rest.slice(0, colon) : rest;
  if (folder === '') rejectUsage(`${written}: write oci:FOLDER[:TAG]`);
  if (isTagged && !isTag(tag)) rejectUsage(`${written}: ${tag} is not a tag`);
  const reference = { ...LAYOUT_PLACE, tag: isTagged ? tag : 'latest' };
  const registry = new LayoutRegistry(() => folder);
  return { registry, reference, text: formatReference(reference), written };
}

function remoteRegistry(options: EndpointOptions): Registry {
  const settings: HttpRegistryOptions = {
    clock: new WallClock(),
    random: new SeededRandom(randomUUID()),
    credentials: loginOf(options) ?? credentialsIn({ files: filesOf(options) }),
    insecureHosts: options.plainHttp ?? [],
    secureHosts: options.tls ?? [],
    certificateAuthorities: (options.caFile ?? []).map(readAuthority),
    requestsMax: parallelOf(options),
    retry: { ...RETRY_POLICY, attemptsMax: parseWhole('--attempts', options.attempts ?? '5', 1, 999) },
  };
  const opened = openRegistries(settings, options.mirror ?? []);
  return opened.ok ? opened.value : rejectUsage(`--mirror: ${opened.refusal.message}`);
}

function readAuthority(file: string): string {
  const text = readTextInput(file);
  return isCertificate(text) ? text : rejectUsage(`--ca-file ${file}: holds no certificate in PEM`);
}

function loginOf({ username, passwordStdin }: EndpointOptions): HttpRegistryOptions['credentials'] {
  if (username === undefined && passwordStdin !== true) return undefined;
  if (username === undefined || passwordStdin !== true)
    rejectUsage('--username and --password-stdin go together');
  const password = readFileSync(0, 'utf8').replace(/\r?\n$/, '');
  return () => ({ username, password });
}

function filesOf({ authfile }: EndpointOptions): readonly string[] {
  return authfile === undefined ? usualCredentialFiles(process.env) : [authfile];
}
