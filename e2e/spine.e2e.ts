import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type DevFlowProcess, startDevFlow } from "@devflow/testkit";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser, openBrowser } from "./browser.ts";
import { busyPercent, cpuTimes, load, memoryUsedBytes } from "./machine.ts";

const bundle = fileURLToPath(new URL("../dist/agent/devflow-agent.mjs", import.meta.url));
const password = "three plain words here";
const units: Record<string, number> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** Bytes of "2.8 of 23.5 GiB, 12 %" or "812 MiB of 7.8 GiB, 10 %": the first number, whose unit may stand with the second. */
function shownBytes(text: string): number {
  const [, number = "", unit = ""] = /^([\d.]+)[^A-Z]*?([KMGT]?i?B)/.exec(text) ?? [];
  return Number(number) * (units[unit] ?? Number.NaN);
}

const headline = (page: Page, chart: string): Locator => page.getByRole("figure", { name: chart, exact: true }).getByTestId("headline");
const shown = async (place: Locator): Promise<string> => (await place.textContent())?.trim() ?? "";

/** The tests are one story, told in order: each stands on what the one before left. */
describe.skipIf(!hasBrowser)("a new user", () => {
  let devflow: DevFlowProcess;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];
  const processes: ChildProcess[] = [];

  beforeAll(async () => {
    devflow = await startDevFlow();
    browser = await openBrowser();
    page = await browser.newPage();
    page.setDefaultTimeout(20_000);
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error" && /Content Security Policy|Refused to/.test(message.text())) problems.push(message.text());
    });
  });
  afterAll(async () => {
    for (const child of processes) child.kill("SIGKILL");
    await browser?.close();
    await devflow?.stop();
  });

  it("makes the administrator with the printed link", async () => {
    expect(devflow.setupUrl).not.toBeNull();
    await page.goto(devflow.setupUrl ?? "");
    await page.getByLabel("Your name").fill("Ada");
    await page.getByLabel("E-mail").fill("ada@example.com");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Make the account" }).click();
    await page.waitForURL("**/servers");
  });

  it("cannot use the link twice", async () => {
    const other = await browser.newContext();
    const stranger = await other.newPage();
    await stranger.goto(devflow.setupUrl ?? "");
    expect(await stranger.getByText("Already set up").waitFor()).toBeUndefined();
    await other.close();
  });

  it("finds this machine and sees a value change every second", async () => {
    await page.locator('a[href^="/servers/"]').first().click();
    await page.getByText("Online").first().waitFor();
    const cpu = headline(page, "CPU");
    await expect.poll(() => shown(cpu), { timeout: 60_000 }).toMatch(/^[\d.]+\s*%$/);
    // All charts together: on a machine that is at its limit one of them may stand at 100 %.
    const seen = new Set<string>();
    for (let i = 0; i < 60 && seen.size < 3; i++) {
      seen.add((await page.getByTestId("headline").allTextContents()).join());
      await delay(250);
    }
    expect(seen.size).toBeGreaterThanOrEqual(3);
  });

  it("sees under load what /proc says", async () => {
    const held = 400 * 2 ** 20;
    const memory = headline(page, "Memory");
    await expect.poll(() => shown(memory), { timeout: 60_000 }).toMatch(/ of /);
    const busy = load(held);
    processes.push(busy);
    await delay(3_000); // until the load is all there and the page has drawn a second of it
    const from = await cpuTimes();
    const seen: number[] = [];
    for (let i = 0; i < 40; i++) {
      seen.push(Number.parseFloat(await shown(headline(page, "CPU"))));
      await delay(250);
    }
    const really = busyPercent(from, await cpuTimes());
    const shares = seen.filter(Number.isFinite);
    // A headline is up to a second behind, which over ten seconds can move the mean by some points.
    expect(Math.abs(shares.reduce((sum, share) => sum + share, 0) / shares.length - really)).toBeLessThan(8);
    // Other processes come and go between the two readings, so one that agrees is waited for; a wrong unit never agrees.
    const difference = async () => {
      const used = await memoryUsedBytes();
      return Math.abs(shownBytes(await shown(memory)) - used) / used;
    };
    await expect.poll(difference, { timeout: 60_000 }).toBeLessThan(0.03);
    busy.kill("SIGKILL");
  });

  it("adds a second server with the dialogue's line, and sees it appear", async () => {
    await page.goto(`${devflow.url}/servers`);
    await page.getByRole("button", { name: "Add server" }).first().click();
    await page.getByRole("dialog").getByRole("button", { name: "Make the line" }).click();
    const line = await page.getByTestId("install-command").innerText();
    expect(line).toContain(`:${devflow.ports.enrol}/install.sh`);
    const option = (name: string) => new RegExp(`--${name} (\\S+)`).exec(line)?.[1] ?? "";
    const stateDir = await mkdtemp(join(tmpdir(), "devflow-second-"));
    const env = { ...process.env, DEVFLOW_AGENT_STATE_DIR: stateDir, DEVFLOW_AGENT_TOKEN: option("token") };
    const agent = (...args: string[]) => spawn(process.execPath, [bundle, ...args], { env, stdio: ["ignore", "ignore", "inherit"] });
    const enrolled = agent("enrol", "--host", "127.0.0.1", "--enrol-port", String(devflow.ports.enrol), "--ca", option("ca"));
    expect((await once(enrolled, "exit"))[0]).toBe(0);
    const running = agent("run");
    processes.push(running);

    const arrived = page.getByRole("dialog").locator('a[href^="/servers/"]');
    await arrived.getByText("connected").waitFor();
    const address = await arrived.getAttribute("href");
    await page.goto(`${devflow.url}${address}`);
    await page.getByText("Online", { exact: true }).first().waitFor();

    running.kill("SIGKILL");
    await page.getByText("Offline", { exact: true }).first().waitFor({ timeout: 60_000 });
    await rm(stateDir, { recursive: true, force: true });
  });

  it("met no script error and no blocked resource", () => {
    expect(problems).toEqual([]);
  });

  it("stops it with one signal, cleanly", async () => {
    await browser.close();
    expect(await devflow.stop()).toBe(0);
  });
});
