import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildParts } from "../scripts/build.ts";
import { staleParts } from "../scripts/build-state.mjs";
import { hasBrowser, openBrowser } from "./browser.ts";
import { type ControllerProcess, startController } from "./controller-process.ts";
import { tabTo } from "./keyboard.ts";
import { violations } from "./stage.ts";

const email = "ada@example.com";
const password = "three plain words here";
const everywhere = { role: "view", scope: { kind: "organization" } };

/** What whoever runs the installation does on its pages, by keys, against the real controller; told in order. */
describe.skipIf(!hasBrowser)("the administrator of the installation", () => {
  let controller: ControllerProcess;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];
  beforeAll(async () => {
    const stale = staleParts().filter((part) => part === "web" || part === "controller");
    if (stale.length > 0) await buildParts(stale);
    controller = await startController({ env: { DEVFLOW_ADMIN_EMAIL: email, DEVFLOW_ADMIN_PASSWORD: password } });
    browser = await openBrowser();
    page = await signIn(email, password);
    for (const name of ["Ben", "Cleo"]) {
      const address = `${name.toLowerCase()}@example.com`;
      const { link } = (await send("POST", "/invitations", { email: address, grants: [everywhere] })) as { link: string };
      // Whoever registers is signed in: not in the administrator's browser.
      const answer = await fetch(`${controller.url}/api/v1/invitations/register`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ code: new URL(link).hash.slice(1), name, email: address, password }),
      });
      if (!answer.ok) throw new Error(`registering: ${answer.status} ${await answer.text()}`);
    }
    await send("POST", "/teams", { name: "Operations" });
    await send("POST", "/groups", { name: "Shop" });
  });
  afterAll(async () => {
    await browser?.close();
    await controller?.stop();
  });

  const signIn = async (who: string, word: string): Promise<Page> => {
    const context = await browser.newContext({ baseURL: controller.url, reducedMotion: "reduce" });
    const opened = await context.newPage();
    opened.setDefaultTimeout(20_000);
    opened.on("pageerror", (error) => problems.push(error.message));
    await opened.goto("/sign-in");
    await opened.getByLabel("E-mail").fill(who);
    await opened.getByLabel("Password").fill(word);
    await opened.keyboard.press("Enter");
    await opened.waitForURL("**/servers");
    return opened;
  };
  const send = async (method: string, path: string, data?: object): Promise<unknown> => {
    const answer = await page.request.fetch(`/api/v1${path}`, {
      method,
      headers: { origin: controller.url },
      ...(data !== undefined && { data }),
    });
    if (!answer.ok()) throw new Error(`${method} ${path}: ${answer.status()} ${await answer.text()}`);
    const text = await answer.text();
    return text === "" ? null : (JSON.parse(text) as unknown);
  };
  const row = (name: string) =>
    page
      .getByRole("table", { name: "Users" })
      .getByRole("row")
      .filter({ hasText: `${name.toLowerCase()}@` });
  /** Opens the menu of a user's row and chooses what begins with that letter. */
  const choose = async (name: string, item: string) => {
    await tabTo(page, new RegExp(`^What to do with ${name}$`));
    await page.keyboard.press("Enter");
    await page.getByRole("menuitem", { name: item }).waitFor();
    while ((await page.evaluate("document.activeElement.innerText.trim()")) !== item) await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
  };
  const confirm = async (action: RegExp) => {
    await page.getByRole("dialog").waitFor();
    await tabTo(page, action);
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  };

  it("finds, disables and enables somebody, whose open page ends at once", async () => {
    const ben = await signIn("ben@example.com", password);
    await page.getByRole("link", { name: "Users" }).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("h");
    await page.getByRole("heading", { name: "Users" }).waitFor();
    await row("Ada").getByText("administrator").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("/");
    await page.keyboard.type("ben@");
    await expect.poll(() => row("Ada").count()).toBe(0);
    expect(page.url()).toContain("q=ben%40");
    await choose("Ben", "Disable");
    expect(await violations(page)).toEqual([]);
    await confirm(/^Disable$/);
    await row("Ben").getByText("disabled").waitFor();
    await ben.waitForURL("**/sign-in*");
    await ben.getByLabel("E-mail").fill("ben@example.com");
    await ben.getByLabel("Password").fill(password);
    await ben.keyboard.press("Enter");
    await ben.getByText("This account is disabled").waitFor();
    await choose("Ben", "Enable");
    await expect.poll(() => row("Ben").getByText("disabled").count()).toBe(0);
    await ben.getByLabel("Password").fill(password);
    await ben.keyboard.press("Enter");
    await ben.waitForURL("**/servers");
    await ben.context().close();
  });

  it("shares the office, takes it back, signs out and removes", async () => {
    await page.goto("/settings/users");
    await choose("Ben", "Make administrator");
    await confirm(/^Make administrator$/);
    await row("Ben").getByText("administrator", { exact: true }).waitFor();
    const ben = await signIn("ben@example.com", password);
    await ben.goto("/settings/mail");
    await ben.getByRole("heading", { name: "SMTP server" }).waitFor();
    await choose("Ben", "Take administration away");
    await confirm(/^Take it away$/);
    await expect.poll(() => row("Ben").getByText("administrator", { exact: true }).count()).toBe(0);
    await choose("Ben", "Sign out everywhere");
    await confirm(/^Sign out$/);
    await ben.waitForURL("**/sign-in*");
    await ben.context().close();
    await choose("Cleo", "Remove");
    await page.getByRole("dialog").getByText("gone for good").waitFor();
    await tabTo(page, /^Type cleo@example.com/);
    await page.keyboard.type("cleo@example.com");
    await page.keyboard.press("Enter");
    await expect.poll(() => row("Cleo").count()).toBe(0);
    // The last one stays, and is told why.
    await choose("ada", "Take administration away");
    await page.getByRole("dialog").waitFor();
    await tabTo(page, /^Take it away$/);
    await page.keyboard.press("Enter");
    await page.getByText("needs an administrator").waitFor();
    await page.keyboard.press("Escape");
  });

  it("settles who makes organisations and how long things are kept, and is asked before less is kept", async () => {
    await page.goto("/servers");
    await page.getByRole("link", { name: "General" }).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("n");
    await page.getByRole("heading", { name: "General" }).waitFor();
    await page.getByLabel("Days of grace").waitFor();
    expect(await violations(page)).toEqual([]);
    await tabTo(page, /^administrators of the installation$/);
    await page.keyboard.press("ArrowDown");
    await tabTo(page, /^Days of grace/);
    await page.keyboard.press("Control+a");
    await page.keyboard.type("14");
    await page.keyboard.press("Enter");
    await page.getByText("Saved.").first().waitFor();
    expect(await send("GET", "/settings/organizations")).toEqual({ creation: "everybody", deletionGraceDays: 14 });
    await tabTo(page, /^Events/);
    await page.keyboard.press("Control+a");
    await page.keyboard.type("30");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").getByText("30 days instead of 90").waitFor();
    expect(await violations(page)).toEqual([]);
    // Nothing is kept shorter until it was confirmed.
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await send("GET", "/settings/event-retention")).toEqual({ days: 90 });
    await tabTo(page, /^Events/);
    await page.keyboard.press("Enter");
    await confirm(/^Keep less$/);
    await expect.poll(() => send("GET", "/settings/event-retention")).toEqual({ days: 30 });
    await page.reload();
    await expect.poll(() => page.getByLabel(/^Events/).inputValue()).toBe("30");
  });

  it("sees what mail waits and why the last one was not taken", async () => {
    const nobody = { host: "127.0.0.1", port: 1, encryption: "none", user: null, from: "d@example.com", certificateAuthority: null };
    await send("PUT", "/settings/mail", nobody);
    await page.goto("/settings/mail");
    await page.getByText("No mail waits to be sent.").waitFor();
    await send("POST", "/password-resets", { email });
    // The page looks again by itself.
    await page.getByText("1 mail waits to be sent.").waitFor({ timeout: 30_000 });
    await page.getByText("The last mail that was not taken").waitFor({ timeout: 30_000 });
    await page
      .getByText(/127\.0\.0\.1:1|refused|could not be reached|no mail server/i)
      .first()
      .waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it("shares a group with a team and takes it back", async () => {
    await page.goto("/settings/groups");
    await page.getByRole("button", { name: "Share Shop" }).waitFor();
    await tabTo(page, /^Share Shop$/);
    await page.keyboard.press("Enter");
    await page.getByText("Shared with nobody else.").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole("option", { name: "Operations" }).waitFor({ state: "attached" });
    await tabTo(page, /^With/);
    await page.keyboard.type("Oper");
    await tabTo(page, /^Role/);
    await page.keyboard.type("deploy");
    await tabTo(page, /^Share$/);
    await page.keyboard.press("Enter");
    const holders = page.getByRole("list", { name: "Shared with" });
    await holders.getByText("Operations").waitFor();
    expect(await holders.innerText()).toContain("deploy");
    expect(await violations(page)).toEqual([]);
    const { items } = (await send("GET", "/groups")) as { items: { id: string; name: string }[] };
    const shop = items.find(({ name }) => name === "Shop")!.id;
    const grants = async () =>
      ((await send("GET", `/groups/${shop}/grants`)) as { items: { role: string }[] }).items.map(({ role }) => role);
    expect(await grants()).toEqual(["deploy"]);
    await tabTo(page, /^Remove the role of Operations$/);
    await page.keyboard.press("Enter");
    await page.getByText("Shared with nobody else.").waitFor();
    expect(await grants()).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).toBe("Share Shop");
  });

  it("met no script error on the way", () => expect(problems).toEqual([]));
});
