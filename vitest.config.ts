import { defineConfig } from "vitest/config";

const skip = ["**/node_modules/**", "**/dist/**", "**/build/**"];

export default defineConfig({
  test: {
    projects: [
      {
        test: { name: "unit", include: ["{packages,controller,agent,scripts,tests}/**/*.test.ts"], exclude: [...skip, "**/*.int.test.ts"] },
      },
      {
        test: {
          name: "int",
          include: ["{packages,controller,agent,scripts,tests}/**/*.int.test.ts"],
          exclude: skip,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
