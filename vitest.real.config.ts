import { defineConfig } from 'vitest/config';

/** Tests against real peers (esptool, kubectl, mosquitto …); `.ci/run` installs the peers first. */
export default defineConfig({
  test: {
    include: ['test/real/**/*.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    fileParallelism: false,
  },
});
