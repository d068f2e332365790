import { expect, test } from "vitest";
import { readConfig } from "../../config.ts";
import type { Context } from "../../platform/context.ts";
import { hostOf, installCommands, reachableHost } from "./install-command.ts";

const addresses = ["192.0.2.10", "2001:db8::10"];

test.each([
  ["https://devflow.example.com", "10.0.0.5:8080", "devflow.example.com"],
  [null, "devflow.lan:8080", "devflow.lan"],
  [null, "[2001:db8::7]:8080", "2001:db8::7"],
  [null, "127.0.0.1:8080", "192.0.2.10"],
  [null, "localhost:8080", "192.0.2.10"],
  [null, "[::1]:8080", "192.0.2.10"],
  ["http://localhost:8080", "devflow.lan", "devflow.lan"],
  [null, null, "192.0.2.10"],
])("public %j, asked as %j: servers use %s", (publicUrl, asked, expected) => {
  expect(reachableHost(publicUrl === null ? null : new URL(publicUrl), asked, addresses)).toBe(expected);
});

test.each(["a'; reboot #", "$(id)", "a b", "a\nb", "user@host", "", "a/b", "[::1", "`id`"])(
  "a Host header that is more than a host is none: %j",
  (header) => {
    expect(hostOf(header)).toBeNull();
  },
);

const facts = { rootPem: "", caFingerprint: "ab".repeat(32), enrolmentKeyPin: `${"K".repeat(43)}=` };
const lines = (settings: Record<string, string>, requestHost: string | null) =>
  installCommands({ config: readConfig(settings) } as Context, { secret: "dfe_x", facts, requestHost });

test("the line pins the key and names the CA; the short one needs public https", () => {
  expect(lines({}, "devflow.lan:8080")).toEqual({
    command: `curl -fsSLk --pinnedpubkey 'sha256//${facts.enrolmentKeyPin}' 'https://devflow.lan:8444/install.sh' | sudo sh -s -- --token dfe_x --ca ${facts.caFingerprint}`,
    shortCommand: null,
  });
  expect(lines({ DEVFLOW_PUBLIC_URL: "http://devflow.example.com" }, null).shortCommand).toBeNull();
  expect(lines({ DEVFLOW_PUBLIC_URL: "https://devflow.example.com" }, null).shortCommand).toBe(
    "curl -fsSL --proto '=https' 'https://devflow.example.com/install.sh' | sudo sh -s -- --token dfe_x",
  );
  expect(lines({}, "[2001:db8::7]:8080").command).toContain("'https://[2001:db8::7]:8444/install.sh'");
});
