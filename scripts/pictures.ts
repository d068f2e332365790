// Makes the pictures in docs/images anew, of the real product: a controller from its bundle, real agent sessions with
// values of servers that do not exist, and the built page in headless Chromium (Debian: apt-get install chromium).
//   node scripts/pictures.ts [NAME …]
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { startBelievableFleet } from "../e2e/believable-fleet.ts";
import { fillOrganization } from "../e2e/believable-organization.ts";
import { hasBrowser, openBrowser } from "../e2e/browser.ts";
import { startController } from "../e2e/controller-process.ts";
import { buildParts } from "./build.ts";
import { root, staleParts } from "./build-state.mjs";

const FLEET = 14;
/** Of WebP; text stays clear at a third of what PNG takes. */
const QUALITY = 82;
const admin = { email: "mira@northwind.example", password: "pictures-of-a-fleet" };
const wide = { viewport: { width: 1360, height: 850 } };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 1.5 };

interface Picture {
  readonly look: BrowserContextOptions;
  readonly path: (id: (name: string) => string) => string;
  /** What is there when the page is complete. */
  readonly ready: string;
  readonly act?: (page: Page) => Promise<unknown>;
}

const list = "tbody tr[aria-rowindex] svg";
const charts = "figure canvas";
const pictures: Record<string, Picture> = {
  "fleet-light": { look: { ...wide, colorScheme: "light" }, path: () => "/servers", ready: list },
  "fleet-dark": { look: { ...wide, colorScheme: "dark" }, path: () => "/servers", ready: list },
  "fleet-phone": { look: { ...phone, colorScheme: "light" }, path: () => "/servers", ready: "ul[aria-label=Servers] svg" },
  "server-dark": {
    look: { viewport: { width: 1360, height: 980 }, colorScheme: "dark" },
    path: (id) => `/servers/${id("api-02")}?range=1h`,
    ready: charts,
    act: (page) =>
      page
        .getByRole("figure", { name: "Network" })
        .locator(".u-over")
        .hover({ position: { x: 300, y: 50 } }),
  },
  "disks-light": { look: { ...wide, colorScheme: "light" }, path: (id) => `/servers/${id("db-02")}/disks?range=1h`, ready: charts },
  "inventory-dark": {
    look: { viewport: { width: 1360, height: 760 }, colorScheme: "dark" },
    path: (id) => `/servers/${id("db-02")}/inventory`,
    ready: "dl dd",
  },
  "add-server-dark": {
    look: { viewport: { width: 1360, height: 760 }, colorScheme: "dark" },
    path: () => "/servers",
    ready: list,
    async act(page) {
      await page.getByRole("button", { name: "Add server" }).click();
      await page.getByRole("button", { name: "Make the line" }).click();
      await page.getByTestId("install-command").waitFor();
    },
  },
  "tokens-dark": {
    look: { viewport: { width: 1360, height: 400 }, colorScheme: "dark" },
    path: () => "/settings/tokens?show=all",
    ready: "tbody tr",
  },
  "groups-light": {
    look: { ...wide, colorScheme: "light" },
    path: () => "/servers?by=group",
    ready: list,
    async act(page) {
      for (const n of [1, 2, 3]) await page.getByRole("checkbox").nth(n).click();
      await page.getByRole("button", { name: "Tags" }).first().click();
    },
  },
  "cli-login-dark": {
    look: { viewport: { width: 1360, height: 790 }, colorScheme: "dark" },
    path: () => "/servers",
    ready: list,
    async act(page) {
      const begun = await page.request.post("/api/v1/cli-logins", {
        data: { client: "devflow on mira@laptop", role: "edit" },
        headers: { origin: controller.url },
      });
      await page.goto(((await begun.json()) as { verificationUrl: string }).verificationUrl);
      await page.getByTestId("user-code").waitFor();
    },
  },
  "profile-dark": { look: { viewport: { width: 1360, height: 640 }, colorScheme: "dark" }, path: () => "/settings/profile", ready: "form" },
  "members-dark": {
    look: { viewport: { width: 1360, height: 640 }, colorScheme: "dark" },
    path: () => "/settings/members",
    ready: "table[aria-label=Invitations] tbody tr",
  },
  "users-light": {
    look: { viewport: { width: 1360, height: 640 }, colorScheme: "light" },
    path: () => "/settings/users",
    ready: "table[aria-label=Users] tbody tr",
  },
  "roles-light": {
    look: { viewport: { width: 1360, height: 620 }, colorScheme: "light" },
    path: () => "/settings/roles",
    ready: "summary",
  },
  "events-light": {
    look: { viewport: { width: 1360, height: 760 }, colorScheme: "light" },
    path: () => "/events?kind=presence",
    ready: "figure .piece",
  },
  "events-phone": { look: { ...phone, colorScheme: "dark" }, path: () => "/events?kind=presence", ready: "figure .piece" },
  "webhook-dark": {
    look: { viewport: { width: 1360, height: 700 }, colorScheme: "dark" },
    path: () => "/settings/webhooks",
    ready: "tbody a",
    async act(page) {
      await page.getByRole("link", { name: "Chat of operations" }).click();
      await page.locator("figure .piece").first().waitFor();
    },
  },
  "audit-light": {
    look: { viewport: { width: 1360, height: 760 }, colorScheme: "light" },
    path: () => "/settings/audit",
    ready: "figure .piece",
    async act(page) {
      await page.getByRole("button", { name: "webhooks.create" }).first().click();
    },
  },
  "mail-light": { look: { viewport: { width: 1360, height: 640 }, colorScheme: "light" }, path: () => "/settings/mail", ready: "form" },
  "service-accounts-light": {
    look: { viewport: { width: 1360, height: 400 }, colorScheme: "light" },
    path: () => "/settings/tokens?show=accounts",
    ready: "tbody tr",
  },
};

const { positionals } = parseArgs({ allowPositionals: true });
const unknown = positionals.filter((name) => !(name in pictures));
if (unknown.length > 0) throw new Error(`no picture ${unknown.join(", ")}; there are ${Object.keys(pictures).join(", ")}`);
if (!hasBrowser) throw new Error("expected Chromium at /usr/bin/chromium; on Debian: apt-get install chromium");

await buildParts(staleParts());
const controller = await startController({
  agents: FLEET,
  env: { DEVFLOW_ADMIN_EMAIL: admin.email, DEVFLOW_ADMIN_PASSWORD: admin.password },
});
const browser = await openBrowser();
const fleet = await startBelievableFleet(controller);
try {
  await fleet.settled();
  await fillOrganization(controller, admin);
  for (const [name, picture] of Object.entries(pictures)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    const bytes = await take(browser, picture);
    await writeFile(join(root, "docs/images", `${name}.webp`), bytes);
    console.log(`${name}.webp  ${Math.round(bytes.length / 1024)} KiB`);
  }
} finally {
  await browser.close();
  await fleet.stop();
  await controller.stop();
}

async function take(from: Browser, { look, path, ready, act }: Picture): Promise<Buffer> {
  const context = await from.newContext({
    ...look,
    baseURL: controller.url,
    reducedMotion: "reduce",
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
  });
  const signedIn = await context.request.post("/api/v1/session", { data: admin, headers: { origin: controller.url } });
  if (!signedIn.ok()) throw new Error(`signing in was answered with ${signedIn.status()}: ${await signedIn.text()}`);
  const page = await context.newPage();
  await page.goto(path((name) => fleet.id(name)));
  await page.locator(ready).first().waitFor();
  await page.getByText("live", { exact: true }).waitFor();
  // Values of the next two seconds: every chart and row has been drawn.
  await page.waitForTimeout(2_000);
  await act?.(page);
  await page.waitForTimeout(300);
  const devtools = await context.newCDPSession(page);
  const { data } = await devtools.send("Page.captureScreenshot", { format: "webp", quality: QUALITY });
  await context.close();
  return Buffer.from(data, "base64");
}
