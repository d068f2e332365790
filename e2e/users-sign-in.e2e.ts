import type { BrowserContext, Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { base32 } from "@better-auth/utils/base32";
import { codeOf } from "../controller/src/features/users/totp/code.ts";
import { testMailServer, type TestMailServer } from "../controller/src/testing/mail-server.ts";
import { hasBrowser, openBrowser } from "./browser.ts";
import { type ControllerProcess, startController } from "./controller-process.ts";
import { violations } from "./stage.ts";

const email = "ada@example.com";
const password = "three plain words here";
const fresh = "four other plain words";

/** One person's story with all the ways in, against the real controller; told in order. */
describe.skipIf(!hasBrowser)("signing in", () => {
  let controller: ControllerProcess;
  let mail: TestMailServer;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let origin: string;
  const problems: string[] = [];
  let secret: Uint8Array;
  let recovery: string[];
  let lastStep = 0;

  beforeAll(async () => {
    mail = await testMailServer();
    controller = await startController({ env: { DEVFLOW_ADMIN_EMAIL: email, DEVFLOW_ADMIN_PASSWORD: password } });
    // Browsers have passkeys on https and on localhost.
    origin = controller.url.replace("127.0.0.1", "localhost");
    browser = await openBrowser();
    context = await browser.newContext({ reducedMotion: "reduce" });
    page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error" && /Content Security Policy|Refused to/.test(message.text())) problems.push(message.text());
    });
    const cdp = await context.newCDPSession(page);
    await cdp.send("WebAuthn.enable");
    const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    verify = (isUserVerified) => cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified });
  });
  let verify: (verified: boolean) => Promise<unknown>;
  afterAll(async () => {
    await browser?.close();
    await controller?.stop();
    await mail?.close();
  });

  /** A code that was not used yet: they change every thirty seconds and each is good once. */
  const nextCode = async () => {
    const now = () => Math.floor(Date.now() / 30_000);
    const step = Math.max(lastStep + 1, now());
    // One step ahead of the clock is taken; farther is not.
    while (step > now() + 1) await new Promise((resolve) => setTimeout(resolve, 500));
    lastStep = step;
    return codeOf(secret, step);
  };
  const button = (name: string | RegExp) => page.getByRole("button", { name });
  const signIn = async (word = password) => {
    await page.goto(`${origin}/sign-in`);
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password").fill(word);
    await button("Sign in").first().click();
  };
  const signOut = async () => {
    await page.goto(`${origin}/settings/profile`);
    await button("Sign out").first().click();
    await page.waitForURL("**/sign-in");
  };
  const profile = async () => {
    await page.goto(`${origin}/settings/profile`);
    await page.getByRole("heading", { name: "Sessions" }).waitFor();
  };
  /** As if the last proof of who is there were an hour old. */
  const forgetProof = async () => {
    const sql = await controller.sql();
    await sql`update sessions set confirmed_at = now() - interval '1 hour'`;
    await sql.end();
    // Remembered identities are asked for again after ten seconds.
    await new Promise((resolve) => setTimeout(resolve, 10_500));
  };

  it("by a passkey that was added in the profile, without e-mail and password", async () => {
    await signIn();
    await page.waitForURL("**/servers");
    await profile();
    await button("Add a passkey").click();
    await page.getByLabel("Name", { exact: true }).last().fill("Test key");
    await button("Add").last().click();
    await page.getByRole("list", { name: "Passkeys" }).getByText("Test key").waitFor();
    await signOut();
    await button("Use a passkey").click();
    await page.waitForURL("**/servers");
    await profile();
    await button("Rename Test key").click();
    await page.getByLabel("Name", { exact: true }).last().fill("Blue key");
    await button("Rename").last().click();
    await page.getByRole("list", { name: "Passkeys" }).getByText("Blue key").waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it("not by a passkey whose authenticator did not verify its person", async () => {
    await signOut();
    await verify(false);
    await button("Use a passkey").click();
    await page.waitForTimeout(1_500);
    expect(page.url()).toContain("/sign-in");
    await verify(true);
    await button("Use a passkey").click();
    await page.waitForURL("**/servers");
  });

  it("by password and a code, once the authenticator is set up", async () => {
    await profile();
    await button("Set up an authenticator").click();
    await page.getByLabel("Your password").fill(password);
    await button("Go on").click();
    await page.getByRole("img", { name: /QR code/ }).waitFor();
    secret = base32.decode((await page.getByTestId("totp-key").textContent()) ?? "");
    expect(await violations(page)).toEqual([]);
    await page.getByLabel("Code", { exact: true }).fill(await nextCode());
    await button("Turn it on").click();
    await page.getByRole("list", { name: "Recovery codes" }).waitFor();
    recovery = await page.getByRole("list", { name: "Recovery codes" }).getByRole("listitem").allTextContents();
    expect(recovery).toHaveLength(10);
    await button("I have kept them").click();
    await signOut();
    await signIn();
    await page.getByLabel("Code").fill("000000");
    await page.keyboard.press("Enter");
    await page.getByText("This code is wrong").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel("Code").fill(await nextCode());
    await page.keyboard.press("Enter");
    await page.waitForURL("**/servers");
    await signOut();
    await signIn();
    await button("Use a recovery code").click();
    await page.getByLabel("Recovery code").fill(recovery[0] ?? "");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/servers");
  });

  it("is asked for again before something dangerous, and then it happens", async () => {
    await forgetProof();
    await profile();
    await button("Remove the authenticator").click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Confirm that it is you").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByText("Not changed").waitFor();
    await button("Remove the authenticator").click();
    await dialog.getByLabel("Password").fill("a wrong password");
    await page.keyboard.press("Enter");
    await dialog.getByText("This is not your password").first().waitFor();
    await dialog.getByLabel("Password").fill(password);
    await page.keyboard.press("Enter");
    await button("Set up an authenticator").waitFor();
    await forgetProof();
    await button("Remove Blue key").click();
    await dialog.getByRole("button", { name: "Use a passkey" }).click();
    await button("Remove Blue key").waitFor({ state: "detached" });
  });

  it("is asked for again in the middle of a form, which then goes through as it was filled in", async () => {
    await forgetProof();
    await page.goto(`${origin}/settings/roles`);
    await button("New role").first().click();
    await page.getByRole("textbox", { name: "Name" }).fill("Night watch");
    await page.getByLabel("servers.read").check();
    await button("Make the role").click();
    const question = page.getByRole("dialog", { name: "Confirm that it is you" });
    await question.getByLabel("Password").fill(password);
    await page.keyboard.press("Enter");
    await question.waitFor({ state: "detached" });
    await page.getByText("Night watch").first().waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it("shows sessions, and ends the others", async () => {
    const other = await browser.newContext();
    const stranger = await other.newPage();
    await stranger.goto(`${origin}/sign-in`);
    await stranger.getByLabel("E-mail").fill(email);
    await stranger.getByLabel("Password").fill(password);
    await stranger.getByRole("button", { name: "Sign in" }).first().click();
    await stranger.waitForURL("**/servers");
    await profile();
    await page.getByRole("list", { name: "Sessions" }).getByText("this one").waitFor();
    await button("End all others").click();
    await expect.poll(() => page.getByRole("list", { name: "Sessions" }).getByRole("listitem").count()).toBe(1);
    // Its live socket ended too: the page notices by itself.
    await stranger.reload();
    await stranger.waitForURL("**/sign-in**");
    await other.close();
  });

  it("after a forgotten password, by the link of a mail", async () => {
    await page.goto(`${origin}/settings/mail`);
    await page.getByLabel("Server").fill("127.0.0.1");
    await button("None").click();
    await page.getByLabel("Port").fill(String(mail.port));
    await page.getByLabel("From").fill("DevFlow <devflow@example.com>");
    await button("Save").click();
    await button("Send a test mail to me").click();
    await page.getByText(`A mail to ${email} was taken`).waitFor();
    await mail.mailTo(email);
    expect(await violations(page)).toEqual([]);
    await signOut();
    await page.getByRole("link", { name: "Forgot the password?" }).click();
    // The page that is left has a field of that name too.
    await page.waitForURL("**/forgot-password");
    await page.getByLabel("E-mail").fill(email);
    await page.keyboard.press("Enter");
    await page.getByText("Look into your mailbox").waitFor();
    const link = /http\S+\/reset-password#\S+/.exec((await mail.mailTo(email)).text)?.[0] ?? "";
    await page.goto(link);
    await page.getByLabel("New password").fill(fresh);
    await page.keyboard.press("Enter");
    await page.getByText("The password is changed").waitFor();
    await signIn(fresh);
    await page.waitForURL("**/servers");
    expect((await mail.mailTo(email)).text).toContain("Your password was reset");
  });

  it("fits a phone, and broke nothing on the way", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    for (const path of ["/settings/profile", "/settings/mail", "/settings/sign-in"]) {
      await page.goto(origin + path);
      await page.locator("main form").first().waitFor();
      const fits = await page.evaluate("document.documentElement.scrollWidth <= innerWidth");
      expect([path, fits]).toEqual([path, true]);
      expect([path, await violations(page)]).toEqual([path, []]);
    }
    expect(problems).toEqual([]);
  });
});
