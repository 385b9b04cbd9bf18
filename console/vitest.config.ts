import { defineConfig, mergeConfig } from "vitest/config";
import console from "./vite.config.js";

export default mergeConfig(
  console,
  defineConfig({
    // One of each, also for what the tests share with those of the client libraries.
    resolve: { dedupe: ["vitest", "playwright-core"] },
    test: {
      include: ["tests/*.test.ts"],
      // A server and a browser of its own per file: few at a time, as other tests run beside these.
      maxWorkers: 2,
      minWorkers: 1,
      testTimeout: 120_000,
      hookTimeout: 60_000,
    },
  }),
);
