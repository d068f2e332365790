import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type axe from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { buildParts } from "../scripts/build.ts";
import { root, staleParts } from "../scripts/build-state.mjs";
import { openBrowser } from "./browser.ts";
import { startMock, type Mock } from "../web/mock/server.ts";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The built page in a browser, over generated data. */
export class Stage {
  readonly #browser: Browser;
  readonly #mocks: Mock[] = [];

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async open(): Promise<Stage> {
    if (staleParts().includes("web")) await buildParts(["web"]);
    return new Stage(await openBrowser());
  }

  /** A controller of generated data, closed with the stage. */
  async mock(options: Partial<Parameters<typeof startMock>[0]> = {}): Promise<Mock> {
    const mock = await startMock({ port: 0, build: join(root, "web/build"), ...options });
    this.#mocks.push(mock);
    return mock;
  }

  /** A page with an empty profile; `problems` collects script errors and what the security policy refused. */
  async page(mock: Mock, path: string, options: BrowserContextOptions = {}): Promise<{ page: Page; problems: string[] }> {
    const context = await this.#browser.newContext({
      viewport: { width: 1440, height: 900 },
      reducedMotion: "reduce",
      ...options,
      baseURL: `http://127.0.0.1:${mock.port}`,
    });
    const page = await context.newPage();
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) problems.push(message.text());
    });
    await page.goto(path);
    return { page, problems };
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await Promise.all(this.#mocks.map((mock) => mock.close()));
  }
}

/** What axe finds wrong on a page (WCAG 2.2 A and AA with the size of targets, which it leaves out by itself, and its best practices), a line each. */
export async function violations(page: Page): Promise<string[]> {
  // Through the debugger, which the page's security policy does not bind.
  await page.evaluate(axeSource);
  const results = await page.evaluate(async () =>
    (globalThis as unknown as { axe: typeof axe }).axe.run({ rules: { "target-size": { enabled: true } } }),
  );
  return results.violations.map(
    (v) =>
      `${v.id}: ${v.help} — ${v.nodes
        .slice(0, 3)
        .map((n) => `${n.target.join(" ")} (${n.any[0]?.message ?? ""})`)
        .join("; ")}`,
  );
}
