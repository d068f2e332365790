import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildParts } from "../scripts/build.ts";
import { root, staleParts } from "../scripts/build-state.mjs";
import { hasBrowser, openBrowser } from "./browser.ts";
import { type ControllerProcess, startController } from "./controller-process.ts";
import { pages } from "./pages.ts";
import { violations } from "./stage.ts";

const email = "ada@example.com";
const password = "three plain words here";

const places = [...readFileSync(join(root, "web/src/shell/navigation.ts"), "utf8").matchAll(/href: "([^"]+)"/g)].map(([, href]) => href!);
/** Of these, those that somebody without a session sees. */
const open = ["/sign-in", "/setup", "/invite", "/cli-login"];

const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true } as const;
/** Both colour schemes and both widths, without each with each: a walk over all pages takes a minute. */
const looks: readonly (BrowserContextOptions & { name: string })[] = [
  { name: "light", colorScheme: "light" },
  { name: "dark on a phone", colorScheme: "dark", ...phone },
];

describe.skipIf(!hasBrowser)("every page of a real controller", () => {
  let controller: ControllerProcess;
  let browser: Browser;
  let session: Awaited<ReturnType<Awaited<ReturnType<Browser["newContext"]>>["storageState"]>>;
  /** Pages whose address names something, found by their links. */
  let deeper: string[] = [];
  beforeAll(async () => {
    const stale = staleParts().filter((part) => part === "web" || part === "controller");
    if (stale.length > 0) await buildParts(stale);
    controller = await startController({ agents: 3, env: { DEVFLOW_ADMIN_EMAIL: email, DEVFLOW_ADMIN_PASSWORD: password } });
    browser = await openBrowser();
    const context = await browser.newContext({ baseURL: controller.url });
    const page = await context.newPage();
    await page.goto("/sign-in");
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password").fill(password);
    await page.keyboard.press("Enter");
    await page.waitForURL("**/servers");
    session = await context.storageState();
    // Something on most pages, as a person would make it.
    const make = async (path: string, data: object) => {
      const answer = await context.request.post(path, { data, headers: { origin: controller.url } });
      expect([path, answer.status(), answer.status() < 300 ? "" : await answer.text()]).toEqual([path, answer.status(), ""]);
    };
    await make("/api/v1/teams", { name: "Operations" });
    await make("/api/v1/groups", { name: "Production" });
    await make("/api/v1/tokens", { name: "deploy from CI", role: "deploy" });
    await make("/api/v1/enrolment-tokens", { name: "racks" });
    const links = new Set<string>();
    for (const path of pages.filter((known) => !open.includes(known))) {
      await page.goto(path);
      await settled(page);
      for (const href of await page.locator("main a[href^='/']").evaluateAll((all) => all.map((a) => a.getAttribute("href") ?? ""))) {
        const plain = href.split(/[?#]/)[0]!;
        if (!pages.includes(plain) && !plain.startsWith("/api/")) links.add(plain);
      }
    }
    // One of a kind is enough: /settings/teams/ID once.
    const kinds = new Map([...links].map((href) => [href.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "ID"), href]));
    deeper = [...kinds.values()];
    await context.close();
  });
  afterAll(async () => {
    await browser?.close();
    await controller?.stop();
  });

  /** Nothing is on its way any more: no skeleton, no busy part. */
  const settled = async (page: Page) => {
    await page.locator("h1, form").first().waitFor();
    await page.locator("[aria-busy=true], .skeleton").first().waitFor({ state: "detached" });
  };
  const visit = async (path: string, options: BrowserContextOptions = {}) => {
    const context = await browser.newContext({
      baseURL: controller.url,
      viewport: { width: 1440, height: 900 },
      reducedMotion: "reduce",
      ...(open.includes(path) ? {} : { storageState: session }),
      ...options,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) problems.push(message.text());
    });
    await page.goto(path);
    await settled(page);
    return { page, problems };
  };
  const all = () => [...pages, ...deeper];

  it("is walked: what the navigation names, what it links to, what stands before it", () => {
    expect(places.length).toBeGreaterThan(7);
    expect(places.filter((place) => !pages.includes(place))).toEqual([]);
    expect(open.filter((path) => !pages.includes(path))).toEqual([]);
    expect(deeper.length).toBeGreaterThan(1);
  });

  /** Charts take a new width in a frame or two; what is still wider then is named. */
  const sticksOut = `(async () => {
    const root = document.documentElement;
    for (let frames = 0; root.scrollWidth > root.clientWidth; frames++) {
      if (frames === 60) {
        const wide = [...document.querySelectorAll("body *")].filter((part) => part.getBoundingClientRect().right > root.clientWidth);
        return wide.map((part) => part.tagName + "." + (part.getAttribute("class") ?? "").slice(0, 60)).join(" > ");
      }
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
    return null;
  })()`;

  it.each(looks)(
    "has nothing that axe finds, nor sticks out, $name",
    async ({ name: _name, ...look }) => {
      const found: unknown[] = [];
      for (const path of all()) {
        const { page, problems } = await visit(path, look);
        const wrong = [...(await violations(page)), ...problems];
        // 320 px: a window of 1280 enlarged four times.
        for (const width of [page.viewportSize()!.width, 320]) {
          await page.setViewportSize({ width, height: 800 });
          const out = await page.evaluate<string | null>(sticksOut);
          if (out !== null) wrong.push(`sticks out at ${width} px: ${out}`);
        }
        if (wrong.length > 0) found.push({ path, wrong });
        await page.context().close();
      }
      expect(found).toEqual([]);
    },
    400_000,
  );

  it("is reached by Tab, all of it, with the focus to be seen, and lets go of it", async () => {
    const found: unknown[] = [];
    for (const path of all()) {
      const { page } = await visit(path);
      const wrong = await walkByTab(page);
      if (wrong.length > 0) found.push({ path, wrong });
      await page.context().close();
    }
    expect(found).toEqual([]);
  }, 400_000);

  it("opens dialogues that keep the focus, close by Escape and give it back", async () => {
    const found: unknown[] = [];
    let dialogues = 0;
    for (const path of all().filter((known) => !open.includes(known))) {
      const { page } = await visit(path);
      const buttons = page.locator("main button:visible:enabled:not([type=submit]):not([role=switch]):not([aria-pressed])");
      const count = Math.min(await buttons.count(), 12);
      for (let at = 0; at < count; at += 1) {
        const button = buttons.nth(at);
        if ((await button.count()) === 0) break;
        const name = (await button.getAttribute("aria-label")) ?? (await button.innerText());
        await button.focus();
        await page.keyboard.press("Enter");
        const dialog = page.locator("[role=dialog]:visible, [role=alertdialog]:visible, dialog[open]").first();
        const opened = await dialog.waitFor({ timeout: 300 }).then(
          () => true,
          () => false,
        );
        if (opened) {
          dialogues += 1;
          const wrong = await violations(page);
          for (let tab = 0; tab < 12; tab += 1) {
            await page.keyboard.press("Tab");
            // Behind the last of it the browser's own bar has its turn, and the page nothing.
            const outside = page.locator("body :not(dialog, [role=dialog], [role=alertdialog]):focus");
            if ((await outside.count()) > 0 && (await dialog.locator("*:focus").count()) === 0) wrong.push(`Tab ${tab + 1} leaves it`);
          }
          await page.keyboard.press("Escape");
          const closed = await dialog.waitFor({ state: "hidden", timeout: 2_000 }).then(
            () => true,
            () => false,
          );
          if (!closed) wrong.push("Escape does not close it");
          else if (!(await button.evaluate((element) => element.matches(":focus")))) wrong.push("does not give the focus back");
          if (wrong.length > 0) found.push({ path, name, wrong });
        }
        // What it did instead, or half did, is of no interest here.
        if (!opened || new URL(page.url()).pathname !== path) {
          await page.goto(path);
          await settled(page);
        }
      }
      await page.context().close();
    }
    expect(found).toEqual([]);
    expect(dialogues).toBeGreaterThan(5);
  }, 400_000);
});

/** Presses Tab through a page; what cannot be reached, is reached unseen, or holds the focus, a line each. */
async function walkByTab(page: Page): Promise<string[]> {
  const names = await page.evaluate<[key: string, name: string][]>(markStops);
  const reached = new Set<string>();
  const wrong: string[] = [];
  let last = "";
  for (let press = 0; press < names.length + 15; press += 1) {
    await page.keyboard.press("Tab");
    const { key, visible, name } = await page.evaluate<{ key: string; visible: boolean; name: string }>(whereFocusIs);
    if (!visible && !reached.has(key)) wrong.push(`no focus to be seen on ${name}`);
    if (key !== "" && key === last && names.length > 1) wrong.push(`holds the focus: ${name}`);
    last = key;
    reached.add(key);
  }
  for (const [key, name] of names) if (!reached.has(key)) wrong.push(`Tab does not reach ${name}`);
  return wrong;
}

const nameOf = `(at) => at.tagName.toLowerCase() + " " + (at.getAttribute("aria-label") ?? at.innerText ?? at.id).trim().slice(0, 40)`;

/** Outline, shadow and colours of an element and what stands closely around it: what a focus changes. */
const lookOf = `(at) => [at, at.nextElementSibling, at.parentElement, at.parentElement?.parentElement, at.parentElement?.parentElement?.parentElement]
  .filter(Boolean)
  .map((one) => getComputedStyle(one))
  .map((style) => [style.outlineStyle === "none" ? "" : style.outline, style.boxShadow, style.borderColor, style.backgroundColor].join())
  .join(";")`;

/** Runs in the page: gives everything that Tab should stop at a key, and lists key and name. Of radio buttons one takes the Tab. */
const markStops = `(() => {
  const name = ${nameOf};
  const look = ${lookOf};
  document.activeElement?.blur();
  const stops = "a[href], button:not([disabled]), input:not([disabled]):not([type=hidden]), select:not([disabled]), textarea:not([disabled]), summary, [tabindex='0']";
  const listed = new Map();
  for (const at of document.querySelectorAll(stops)) {
    if (at.tabIndex < 0 || at.closest("[inert]") !== null || !at.checkVisibility({ visibilityProperty: true })) continue;
    const key = at.type === "radio" ? "radio " + at.name : String(listed.size);
    at.dataset.walk = key;
    at.dataset.look = look(at);
    if (!listed.has(key)) listed.set(key, name(at));
  }
  return [...listed];
})()`;

/** Runs in the page: the key and name of what has the focus, and whether it looks otherwise than without it. */
const whereFocusIs = `(() => {
  const name = ${nameOf};
  const look = ${lookOf};
  const at = document.activeElement ?? document.body;
  return { key: at.dataset.walk ?? "", name: name(at), visible: at === document.body || look(at) !== at.dataset.look };
})()`;
