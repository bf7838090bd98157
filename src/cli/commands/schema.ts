import { scenarioJsonSchema } from '../../scenario/language/schema.ts';
import type { Console } from '../console.ts';

/** Prints the JSON Schema of scenario files, for editors. */
export function schemaCommand(console: Console): void {
  console.out(`${JSON.stringify(scenarioJsonSchema(), null, 2)}\n`);
}
