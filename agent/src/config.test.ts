import { expect, test } from "vitest";
import { readConfig } from "./config.ts";

test("defaults", () => {
  expect(readConfig({})).toEqual({ stateDir: "/var/lib/devflow-agent", logLevel: "info", token: null });
});

test("what is wrong or unknown is named, all of it", () => {
  const env = { DEVFLOW_AGENT_STATE_DIR: "relative", DEVFLOW_AGENT_LOG_LEVEL: "loud", DEVFLOW_AGENT_STATEDIR: "/x", DEVFLOW_PORT: "1" };
  expect(() => readConfig(env)).toThrow(/STATEDIR is not a setting[^]*STATE_DIR: expected an absolute path[^]*LOG_LEVEL: expected one of/);
});
