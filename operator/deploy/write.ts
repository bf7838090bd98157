/** Writes the YAML of this folder that is made anew: `node operator/deploy/write.ts`. */
import { writeFileSync } from 'node:fs';
import { accessFiles } from './manifests.ts';

for (const [name, content] of accessFiles()) writeFileSync(new URL(name, import.meta.url), content);
