import type { Command } from 'commander';

/** The command `name` of a program, under which others stand; made when nobody has made it yet. */
export function parentCommand(program: Command, name: string, description: string): Command {
  const known = program.commands.find((command) => command.name() === name);
  return known ?? program.command(name).description(description);
}

/** Prints results, to standard output unless the program was told otherwise. */
export function printer(command: Command): (text: string) => void {
  const { writeOut } = command.configureOutput();
  return (text) => writeOut?.(text);
}

/** Collects the values of an option that may be given again. */
export function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}
