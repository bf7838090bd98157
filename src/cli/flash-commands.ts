import type { Command } from 'commander';
import { registerBoardBoot } from './board-boot.ts';
import { registerImage } from './image.ts';
import { registerNvs } from './nvs.ts';
import { registerOtadata } from './otadata.ts';
import { registerPartitions } from './partitions.ts';

/** Adds the commands for what is in a board's flash: whole dumps, and the files of ESP-IDF that go into one. */
export function registerFlashCommands(program: Command): void {
  registerBoardBoot(program);
  registerImage(program);
  registerPartitions(program);
  registerOtadata(program);
  registerNvs(program);
}
