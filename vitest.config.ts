import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/real/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Vitest leaves one core to itself, which it hardly uses: half of a machine with two.
    maxWorkers: '100%',
    // Nothing under test keeps state in a module, so files may share a process; loading it anew for each of
    // them costs more than most tests.
    isolate: false,
    // For the programs that tests start: where the launcher keeps their code without types, too.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules', '.cache', 'brickproof') },
  },
});
