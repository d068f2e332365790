import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const executablePath = "/usr/bin/chromium";

/** Whether this machine has it (Debian: apt-get install chromium). Without it browser suites skip themselves; npm test installs it where it may. */
export const hasBrowser = existsSync(executablePath);

/** Headless Chromium that calls nobody but the pages under test. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-background-networking", "--disable-dev-shm-usage"] });
}
