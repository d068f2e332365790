import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { providerSecret, startProvider, type TestProvider } from "../controller/src/testing/openid-provider.ts";
import { hasBrowser, openBrowser } from "./browser.ts";
import { type ControllerProcess, startController } from "./controller-process.ts";
import { violations } from "./stage.ts";

const email = "ada@example.com";
const password = "three plain words here";
const people = {
  // Another address than at DevFlow: found by the link that was made in the profile, not by the address.
  lovelace: { email: "countess@elsewhere.org", email_verified: true, name: "Ada" },
  ben: { email: "ben@example.com", email_verified: true, name: "Ben" },
};

/** An OpenID provider from its setting to the day it is away, against the real controller; told in order. */
describe.skipIf(!hasBrowser)("signing in by an OpenID provider", () => {
  let controller: ControllerProcess;
  let provider: TestProvider;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let origin: string;

  beforeAll(async () => {
    controller = await startController({ env: { DEVFLOW_ADMIN_EMAIL: email, DEVFLOW_ADMIN_PASSWORD: password } });
    origin = controller.url.replace("127.0.0.1", "localhost");
    provider = await startProvider(`${origin}/sign-in/callback`, people);
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await provider?.stop();
    await controller?.stop();
  });

  const button = (name: string | RegExp) => page.getByRole("button", { name });
  /** A browser that knows nobody, here and at the provider. */
  const stranger = async () => {
    await context?.close();
    context = await browser.newContext({ reducedMotion: "reduce" });
    // The provider's own pages ask for a font elsewhere.
    await context.route(/^https:/, (route) => route.abort());
    page = await context.newPage();
    page.setDefaultTimeout(20_000);
  };
  const signIn = async () => {
    await stranger();
    await page.goto(`${origin}/sign-in`);
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password").fill(password);
    await button("Sign in").first().click();
    await page.waitForURL("**/servers");
  };
  /** Its two pages: who it is, and whether DevFlow may know. */
  const atProvider = async (login: string) => {
    await page.waitForURL(`${provider.issuer}/**`);
    await page.locator('input[name="login"]').fill(login);
    await page.locator('input[name="password"]').fill("any");
    await page.locator('button[type="submit"]').click();
    await page.getByRole("button", { name: "Continue" }).click();
  };
  const byProvider = async (login: string) => {
    await stranger();
    await page.goto(`${origin}/sign-in`);
    await button("Sign in with Example ID").click();
    await atProvider(login);
  };

  it("is set and tested: no provider, a wrong secret, the right one", async () => {
    await signIn();
    await page.goto(`${origin}/settings/sign-in`);
    await page.getByLabel("Issuer").fill("http://127.0.0.1:1");
    await page.getByLabel("Client id").fill("devflow");
    await page.getByLabel("Client secret").fill("not the secret");
    await page.getByLabel("Name on the button").fill("Example ID");
    await button(/^Save$/).click();
    await page.getByText("no OpenID provider answers at").first().waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel("Issuer").fill(provider.issuer);
    await button(/^Save$/).click();
    await button("Test what is saved").click();
    await page.getByText("refuses the client id or its secret").first().waitFor();
    await page.getByLabel("Client secret").fill(providerSecret);
    await button(/^Save$/).click();
    await expect.poll(() => page.getByLabel("Client secret").inputValue()).toBe("");
    await button("Test what is saved").click();
    await page.getByText("It knows the client and its secret.").waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await page.content()).not.toContain(providerSecret);
  });

  it("turns away who has no account here, and says so", async () => {
    await byProvider("ben");
    await page.getByRole("alert").getByText("ben@example.com has no account here").waitFor();
    expect(page.url()).toBe(`${origin}/sign-in/callback`);
    expect(await violations(page)).toEqual([]);
    await page.getByRole("link", { name: "Back to the sign-in" }).click();
    await page.goto(`${origin}/servers`);
    await page.waitForURL("**/sign-in?next=**");
  });

  it("is linked in the profile, and lets in by that link", async () => {
    await signIn();
    await page.goto(`${origin}/settings/profile`);
    await button("Link an account of Example ID").click();
    await atProvider("lovelace");
    await page.waitForURL("**/settings/profile");
    await button("Unlink").waitFor();
    expect(await violations(page)).toEqual([]);

    await byProvider("lovelace");
    await page.waitForURL("**/servers");
    await page.goto(`${origin}/settings/profile`);
    await expect.poll(() => page.getByLabel("E-mail").inputValue()).toBe(email);
  });

  it("leads back to the page that was asked for", async () => {
    await stranger();
    await page.goto(`${origin}/settings/tokens?show=all`);
    await page.waitForURL("**/sign-in?next=**");
    await button("Sign in with Example ID").click();
    await atProvider("lovelace");
    await expect.poll(() => page.url(), { timeout: 20_000 }).toBe(`${origin}/settings/tokens?show=all`);
  });

  it("says that the provider went away on the way back, and before one goes there", async () => {
    await stranger();
    await page.route("**/api/v1/session/oidc/complete", async (route) => {
      await provider.stop();
      await route.continue();
    });
    await page.goto(`${origin}/sign-in`);
    await button("Sign in with Example ID").click();
    await atProvider("lovelace");
    await page.getByRole("alert").getByText("You are not signed in").waitFor();

    // A controller that never heard of it asks first.
    await controller.end("SIGTERM");
    await controller.start();
    await stranger();
    await page.goto(`${origin}/sign-in`);
    await button("Sign in with Example ID").click();
    await page.getByText("The OpenID provider does not answer").waitFor();
    expect(page.url()).toBe(`${origin}/sign-in`);
    expect(await violations(page)).toEqual([]);
    await provider.resume();
    await button("Sign in with Example ID").click();
    await atProvider("lovelace");
    await page.waitForURL("**/servers");
  });
});
