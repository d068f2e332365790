import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildParts } from "../scripts/build.ts";
import { root, staleParts } from "../scripts/build-state.mjs";
import { hasBrowser, openBrowser } from "./browser.ts";
import { type ControllerProcess, startController } from "./controller-process.ts";
import { violations } from "./stage.ts";

const admin = { email: "anna@example.com", password: "correct horse battery staple" };

describe.skipIf(!hasBrowser)("signing in the command line by the browser", () => {
  let controller: ControllerProcess;
  let browser: Browser;
  let home: string;
  const running: ChildProcess[] = [];
  beforeAll(async () => {
    await buildParts(staleParts());
    controller = await startController({ agents: 0, env: { DEVFLOW_ADMIN_EMAIL: admin.email, DEVFLOW_ADMIN_PASSWORD: admin.password } });
    browser = await openBrowser();
    home = await mkdtemp(join(tmpdir(), "devflow-cli-login-"));
  });
  afterAll(async () => {
    for (const child of running) child.kill();
    await browser.close();
    await controller.stop();
    await rm(home, { recursive: true });
  });

  /** `devflow …` in a process of its own; `said` is all of its output so far. */
  const devflow = (...args: string[]) => {
    const child = spawn(process.execPath, [join(root, "dist/cli/devflow.mjs"), ...args], {
      env: { PATH: process.env["PATH"], HOME: home },
    });
    running.push(child);
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
    return { said: () => said, ended: new Promise<number | null>((resolve) => child.on("close", resolve)) };
  };
  /** A sign-in that waits, its code and the address of the page. */
  const begin = async () => {
    const login = devflow("login", controller.url, "--no-browser", "--name", "e2e");
    await expect.poll(() => login.said(), { timeout: 60_000 }).toMatch(/compare the code: \S+/);
    return { ...login, code: /compare the code: (\S+)/.exec(login.said())![1]!, url: /Open (\S+)/.exec(login.said())![1]! };
  };
  const signIn = async (look: BrowserContextOptions) => {
    const context = await browser.newContext({ ...look, baseURL: controller.url, reducedMotion: "reduce" });
    await context.request.post("/api/v1/session", { data: admin, headers: { origin: controller.url } });
    return context.newPage();
  };

  it("leads a stranger to the sign-in and back, and the terminal goes on once the codes were compared", async () => {
    const login = await begin();
    const page = await (await browser.newContext()).newPage();
    await page.goto(login.url);
    await page.waitForURL(/sign-in\?next=/);
    await page.getByLabel("E-mail").fill(admin.email);
    await page.getByLabel("Password").fill(admin.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect.poll(() => page.getByTestId("user-code").textContent()).toBe(login.code);
    expect(await page.getByTestId("address").textContent()).toBe("127.0.0.1");
    const letIn = page.getByRole("button", { name: "Let it in" });
    expect(await letIn.isDisabled()).toBe(true);
    await page.getByRole("checkbox").check();
    await page.getByLabel("It may").selectOption("view");
    await letIn.click();
    await page.getByRole("heading", { name: "It is in" }).waitFor();
    expect([await login.ended, login.said()]).toEqual([0, expect.stringContaining('as "view"')]);
    const whoami = devflow("whoami");
    expect([await whoami.ended, whoami.said()]).toEqual([0, expect.stringContaining("view")]);
    await page.goto(login.url);
    await page.getByText("This code leads nowhere").waitFor();
  });

  it("turns a program down", async () => {
    const login = await begin();
    const page = await signIn({});
    await page.goto("/cli-login");
    await page.getByLabel("Code").fill(login.code.toLowerCase());
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Turn it down" }).click();
    await page.getByRole("heading", { name: "Turned down" }).waitFor();
    expect([await login.ended, login.said()]).toEqual([4, expect.stringContaining("turned down")]);
  });

  it.each<[string, BrowserContextOptions]>([
    ["light", { colorScheme: "light" }],
    ["dark", { colorScheme: "dark" }],
    ["phone", { colorScheme: "light", viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }],
  ])("has a page on which axe finds nothing, %s", async (name, look) => {
    const login = await begin();
    const page = await signIn(look);
    await page.goto(login.url);
    await page.getByTestId("user-code").waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
    const shots = process.env["DEVFLOW_TEST_PICTURES"];
    if (shots !== undefined) await page.screenshot({ path: join(shots, `cli-login-${name}.png`), fullPage: true });
    await page.goto("/cli-login?code=BBBB-BBBB");
    await page.getByText("This code leads nowhere").waitFor();
    expect(await violations(page)).toEqual([]);
  });
});
