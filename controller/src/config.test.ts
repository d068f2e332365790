import { describe, expect, it } from "vitest";
import { readConfig } from "./config.ts";

const noFiles = (path: string): string => {
  throw new Error(`ENOENT: no such file or directory, open '${path}'`);
};

describe("settings", () => {
  it("have defaults that listen to this machine only and keep data apart from the code", () => {
    const config = readConfig({});
    expect([config.host, config.port, config.gatewayPort, config.enrolPort]).toEqual(["127.0.0.1", 8080, 8443, 8444]);
    expect(config.databaseUrl).toBeNull();
    expect(config.secretKey).toBeNull();
    expect([...config.roles]).toEqual(["web", "gateway", "worker", "signer"]);
    expect(config.dataDir.startsWith("/")).toBe(true);
  });

  it.each(["web", "gateway", "worker", "web, gateway, signer", "worker,signer", "web,worker"])(
    "let %s be a process of its own",
    (split) => {
      const { roles } = readConfig({ DEVFLOW_ROLES: split, DATABASE_URL: "postgres://db/devflow" });
      expect([...roles]).toEqual(split.split(",").map((role) => role.trim()));
    },
  );

  it("refuse a split that leaves work undone: on the embedded database, and a signer for nobody", () => {
    for (const split of ["web", "gateway,signer", "web,gateway,signer"])
      expect(() => readConfig({ DEVFLOW_ROLES: split })).toThrow(/would run nowhere.*Set DATABASE_URL/);
    expect(() => readConfig({ DEVFLOW_ROLES: "signer", DATABASE_URL: "postgres://db/devflow" })).toThrow("signer alone has nothing to do");
  });

  it("take an address for other controllers that leads here", () => {
    expect(readConfig({}).internalListen).toEqual({ host: "127.0.0.1", port: 0 });
    expect(readConfig({ DEVFLOW_INTERNAL_LISTEN: "[fd00::5]:8445" }).internalListen).toEqual({ host: "fd00::5", port: 8445 });
    expect(readConfig({ DEVFLOW_INTERNAL_LISTEN: "controller-a.internal:8445" }).internalListen.host).toBe("controller-a.internal");
  });

  it("treat an empty variable as one that is not set", () => {
    expect(readConfig({ DEVFLOW_PORT: "", DATABASE_URL: "" }).port).toBe(8080);
  });

  it.each([
    ["DEVFLOW_PROT", "1"],
    ["DEVFLOW_PORT", "http"],
    ["DEVFLOW_PORT", "70000"],
    ["DEVFLOW_ROLES", "web,everything"],
    ["DEVFLOW_ROLES", "signer"],
    ["DEVFLOW_INTERNAL_LISTEN", "8445"],
    ["DEVFLOW_INTERNAL_LISTEN", "0.0.0.0:8445"],
    ["DEVFLOW_INTERNAL_LISTEN", "[::]:8445"],
    ["DEVFLOW_INTERNAL_LISTEN", "10.0.0.5:65536"],
    ["DATABASE_URL", "mysql://root@localhost/db"],
    ["DEVFLOW_BOOTSTRAP_TOKEN", "short"],
    ["DEVFLOW_BOOTSTRAP_TOKEN", "a".repeat(40)],
    ["DEVFLOW_BOOTSTRAP_TOKEN", `${"0123456789abcdef".repeat(2)} with a space`],
    ["DEVFLOW_ADMIN_PASSWORD", "x".repeat(129)],
    ["DEVFLOW_PUBLIC_URL", "javascript://host"],
    ["DEVFLOW_PUBLIC_URL", "https://a';reboot;'b"],
    ["DEVFLOW_PUBLIC_URL", "https://$(reboot).example.com"],
    ["DEVFLOW_PUBLIC_URL", "https://user:secret@example.com"],
    ["DEVFLOW_PUBLIC_URL", "https://example.com/devflow"],
    ["DEVFLOW_RETENTION_10S_DAYS", "0"],
  ])("refuse %s=%s by its name", (name, value) => {
    expect(() => readConfig({ [name]: value })).toThrow(name);
  });

  it("ask for the administrator's address and password together", () => {
    expect(() => readConfig({ DEVFLOW_ADMIN_EMAIL: "a@example.com" })).toThrow("go together");
  });

  it("leave other programs' variables alone", () => {
    expect(() => readConfig({ DEVFLOW_TEST_DATABASE_URL: "x", DEVFLOW_AGENT_STATE: "y", PATH: "/bin" })).not.toThrow();
  });
});

describe("secrets by file", () => {
  const files: Record<string, string> = {
    "/run/secrets/key": "c2VjcmV0\n",
    "/run/secrets/url": "postgres://u:p@db/devflow",
    "/run/secrets/empty": "\n",
  };
  const read = (path: string) => files[path] ?? noFiles(path);

  it("are read without their last line break", () => {
    const config = readConfig({ DEVFLOW_SECRET_KEY_FILE: "/run/secrets/key", DATABASE_URL_FILE: "/run/secrets/url" }, read);
    expect(config.secretKey).toBe("c2VjcmV0");
    expect(config.databaseUrl).toBe("postgres://u:p@db/devflow");
  });

  it("are checked like the variable itself", () => {
    expect(() => readConfig({ DATABASE_URL_FILE: "/run/secrets/key" }, read)).toThrow("DATABASE_URL: expected postgres://");
  });

  it("refuse to start when the file is missing or empty, instead of starting without the secret", () => {
    expect(() => readConfig({ DEVFLOW_SECRET_KEY_FILE: "/run/secrets/none" }, read)).toThrow("DEVFLOW_SECRET_KEY_FILE: ENOENT");
    expect(() => readConfig({ DEVFLOW_SECRET_KEY_FILE: "/run/secrets/empty" }, read)).toThrow("is empty");
  });

  it("refuse two values for one setting", () => {
    expect(() => readConfig({ DEVFLOW_SECRET_KEY: "a", DEVFLOW_SECRET_KEY_FILE: "/run/secrets/key" }, read)).toThrow("both set");
  });

  it("exist for secrets only", () => {
    expect(() => readConfig({ DEVFLOW_PORT_FILE: "/run/secrets/key" }, read)).toThrow("DEVFLOW_PORT_FILE is not a setting");
  });
});
