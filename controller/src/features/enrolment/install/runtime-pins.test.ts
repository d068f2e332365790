import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { architectures, runtimePins, runtimeVersion } from "./runtime-pins.ts";

test("the pinned runtime is the one of package-lock.json", () => {
  const lock = JSON.parse(readFileSync(new URL("../../../../../package-lock.json", import.meta.url), "utf8")) as {
    packages: Record<string, { version: string; integrity: string }>;
  };
  for (const architecture of architectures) {
    expect(lock.packages[`node_modules/node-linux-${architecture}`]).toMatchObject({
      version: runtimeVersion,
      integrity: runtimePins[architecture],
    });
  }
});
