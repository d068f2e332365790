import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fillScript, type ScriptValues } from "./script.ts";

const script = readFileSync(new URL("../../../../../install.sh", import.meta.url), "utf8");
const values: ScriptValues = {
  host: "devflow.example.com",
  enrolPort: 8444,
  keyPin: `${"A".repeat(43)}=`,
  caFingerprint: "ab".repeat(32),
  version: "0.1.0",
  runtimeFlags: ["--lite-mode", "--max-old-space-size=32"],
  environment: { MALLOC_ARENA_MAX: "1" },
};

test("the script is served with the controller's values", () => {
  const filled = fillScript(script, values);
  expect(filled).toContain("\nDEVFLOW_HOST='devflow.example.com'\n");
  expect(filled).toContain("\nDEVFLOW_RUNTIME_FLAGS='--lite-mode --max-old-space-size=32'\n");
  expect(fillScript(script, { ...values, host: "2001:db8::1" })).toContain("\nDEVFLOW_HOST='2001:db8::1'\n");
});

test.each(["a'; reboot #", "$(id)", "a\nb", "a b", ""])("a host that is more than a host name is refused: %j", (host) => {
  expect(() => fillScript(script, { ...values, host })).toThrow(/DEVFLOW_HOST/);
});
