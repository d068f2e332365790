// What the test suites use of the machine, beyond npm packages; the one place where these are listed.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

interface Need {
  /** Debian package that brings it. */
  readonly package: string;
  /** File whose presence says that it is there. */
  readonly file: string;
  /** What is skipped without it. */
  readonly without: string;
}

export const needs: readonly Need[] = [
  { package: "chromium", file: "/usr/bin/chromium", without: "browser tests" },
  { package: "shellcheck", file: "/usr/bin/shellcheck", without: "shellcheck over install.sh" },
  { package: "openssl", file: "/usr/bin/openssl", without: "TLS checks with a second implementation" },
  { package: "faketime", file: "/usr/bin/faketime", without: "an agent whose clock is stepped while it runs" },
  { package: "curl", file: "/usr/bin/curl", without: "install.sh over a real curl" },
];

/** What stands before a command so that it runs as root without a question: nothing, sudo, or null where neither serves. */
function asRoot(): readonly string[] | null {
  if (process.getuid?.() === 0) return [];
  return spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status === 0 ? ["sudo", "-n"] : null;
}

/**
 * Installs with apt what is missing, when it may (root or passwordless sudo, Debian family).
 * @returns the needs that are still missing; suites skip what needs them
 */
export function bringNeeds(): readonly Need[] {
  const missing = needs.filter((need) => !existsSync(need.file));
  if (missing.length === 0) return [];
  const names = missing.map((need) => need.package);
  const root = existsSync("/usr/bin/apt-get") ? asRoot() : null;
  if (root !== null) {
    console.log(`Installing with apt what the tests use: ${names.join(" ")}`);
    const apt = (...args: string[]) => {
      const [command = "env", ...rest] = [
        ...root,
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "-qq",
        "-o",
        "DPkg::Lock::Timeout=120",
        ...args,
      ];
      return spawnSync(command, rest, { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8", timeout: 600_000 });
    };
    const updated = apt("update");
    const installed = apt("install", "-y", "--no-install-recommends", ...names);
    if (installed.status !== 0) console.warn(`apt failed:\n${updated.stderr}${installed.stderr}`);
  }
  return missing.filter((need) => !existsSync(need.file));
}
