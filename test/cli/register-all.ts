import type { Command } from 'commander';
import { registerBoardBoot } from '../../src/cli/board-boot.ts';
import { registerImage } from '../../src/cli/image.ts';
import { registerNvs } from '../../src/cli/nvs.ts';
import { registerOtadata } from '../../src/cli/otadata.ts';
import { registerPartitions } from '../../src/cli/partitions.ts';

/** Adds every command that looks at boards and at files of ESP-IDF. */
export function registerAll(program: Command): void {
  for (const register of [registerBoardBoot, registerImage, registerPartitions, registerOtadata, registerNvs])
    register(program);
}
