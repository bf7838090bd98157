/** Writes the YAML of this folder anew: `node operator/crds/write.ts`. */
import { writeFileSync } from 'node:fs';
import { definitionFiles } from './definitions.ts';

for (const [name, content] of definitionFiles()) writeFileSync(new URL(name, import.meta.url), content);
