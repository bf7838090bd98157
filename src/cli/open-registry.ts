import type { Command } from 'commander';
import { HttpRegistry } from '../../operator/adapters/registry-http.ts';
import { WallClock } from '../../operator/adapters/wall-clock.ts';
import type { Registry } from '../oci/registry.ts';
import { collect } from './parent-command.ts';

/** How a command reaches registries. */
export interface RegistryFlags {
  readonly insecure?: readonly string[];
}

export function withRegistryOptions(command: Command): Command {
  return command.option('--insecure <host>', 'speak to this host without TLS; again for more', collect);
}

export function openRegistry(flags: RegistryFlags): Registry {
  return new HttpRegistry({ clock: new WallClock(), insecureHosts: flags.insecure ?? [] });
}
