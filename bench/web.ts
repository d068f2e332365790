import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { buildParts } from "../scripts/build.ts";
import { root, staleParts } from "../scripts/build-state.mjs";
import { startMock } from "../web/mock/server.ts";
import { liveCharts } from "./_live-charts.ts";

const build = join(root, "web/build");
const kb = (bytes: number) => Math.round(bytes / 10) / 100;

/**
 * What a browser with an empty cache loads for the list of servers, until it is drawn and quiet: compressed JavaScript
 * (brotli, as it is served), the same by gzip, the style sheets, and how long until the first row stands there. Then a page with many live charts.
 */
export async function run({ json }: { readonly json: boolean }): Promise<object> {
  const stale = staleParts().filter((part) => part === "web");
  if (stale.length > 0) await buildParts(stale);
  const mock = await startMock({ port: 0, build, servers: 50 });
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-background-networking"] });
  try {
    const page = await browser.newPage();
    const loaded = new Set<string>();
    page.on("response", (response) => loaded.add(new URL(response.url()).pathname));
    const started = performance.now();
    await page.goto(`http://127.0.0.1:${mock.port}/servers`);
    await page.locator("tbody tr[aria-rowindex]").first().waitFor();
    const firstRowMs = Math.round(performance.now() - started);
    await page.waitForTimeout(1000);
    const files = [...loaded].filter((path) => existsSync(join(build, path)) && /\.(js|css)$/.test(path)).map((path) => join(build, path));
    const brotli = (file: string) => (existsSync(`${file}.br`) ? statSync(`${file}.br`).size : readFileSync(file).length);
    const sum = (list: readonly string[], size: (file: string) => number) => list.reduce((bytes, file) => bytes + size(file), 0);
    const scripts = files.filter((file) => file.endsWith(".js"));
    if (!json)
      for (const file of scripts.toSorted((a, b) => brotli(b) - brotli(a)).slice(0, 8))
        console.log(`${kb(brotli(file))} kB  ${file.slice(build.length)}`);
    await page.close();
    const live = await liveCharts(browser, mock);
    return {
      initialJsKb: kb(sum(scripts, brotli)),
      initialJsGzipKb: kb(sum(scripts, (file) => gzipSync(readFileSync(file)).length)),
      initialCssKb: kb(
        sum(
          files.filter((file) => file.endsWith(".css")),
          brotli,
        ),
      ),
      requests: scripts.length,
      firstRowMs,
      live,
    };
  } finally {
    await browser.close();
    await mock.close();
  }
}
