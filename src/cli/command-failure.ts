/** What a command ends with when it cannot do what it was asked. Source of the numbers: sysexits.h; 1 is a check that failed. */
const EXIT_CODES = { refused: 1, usage: 64, unavailable: 69 } as const;

/**
 * A command that ends early: `usage` for arguments and files that cannot be right, `unavailable` for what is not to be
 * had here, `refused` for a check whose answer is no.
 *
 * The message is one line for people: what was wrong, and what to do.
 */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly code: keyof typeof EXIT_CODES;

  constructor(code: keyof typeof EXIT_CODES, message: string) {
    super(message);
    this.code = code;
  }

  get exitCode(): number {
    return EXIT_CODES[this.code];
  }
}

/** Throws the `usage` failure that says this. */
export function rejectUsage(message: string): never {
  throw new CommandFailure('usage', message);
}
