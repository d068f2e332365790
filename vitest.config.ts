import { existsSync } from "node:fs";
import { defineConfig } from "vitest/config";

const code = "{packages,controller,agent,scripts,bench}";
const skip = ["**/node_modules/**", "**/dist/**", "**/build/**"];

// Its configuration comes with the browser's part.
const webProject = { extends: "./web/vite.config.ts", root: "./web", test: { name: "web", include: ["src/**/*.test.ts"] } };

/** What will come is waited for long: the machine may be busy, and a wait that succeeds costs nothing. */
const patient = { expect: { poll: { timeout: 30_000 } } };

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: [`${code}/**/*.test.ts`], exclude: [...skip, "**/*.int.test.ts"] } },
      {
        test: {
          name: "int",
          ...patient,
          globalSetup: ["./tests/setup/postgres.ts"],
          include: [`${code}/**/*.int.test.ts`, "tests/**/*.int.test.ts"],
          exclude: skip,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      // Apart from unit: while parts are under way, a noun may lack its place in a slice.
      { test: { name: "structure", include: ["tests/**/*.test.ts"], exclude: [...skip, "**/*.int.test.ts"] } },
      ...(existsSync("web/vite.config.ts") ? [webProject] : []),
      // Processes that are killed, cut off and lied to: they wait more than they work.
      { test: { name: "faults", ...patient, include: ["e2e/faults/*.e2e.ts"], testTimeout: 120_000, hookTimeout: 180_000 } },
      { test: { name: "e2e", ...patient, include: ["e2e/*.e2e.ts"], testTimeout: 120_000, hookTimeout: 180_000 } },
    ],
  },
});
