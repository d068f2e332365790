import type { Browser } from "playwright-core";
import type { Mock } from "../web/mock/server.ts";

const SECONDS = 15;
/** Four charts each, beside two for all of them. */
const DEVICES = 5;

/**
 * A page with 22 live charts, all in view: how many frames a second the page gets, the longest time between two, and
 * how much CPU time its one thread takes a second.
 */
export async function liveCharts(browser: Browser, mock: Mock): Promise<object> {
  const machine = mock.world.machines[1];
  if (machine === undefined) throw new Error("expected a generated server, found none");
  const GiB = 2 ** 30;
  const disks = Array.from({ length: DEVICES }, (_, i) => ({ mount: `/data${i}`, device: `nvme${i}n1`, bytes: 960 * GiB, used: 0.4 }));
  Object.assign(machine, { disks });
  const page = await browser.newPage({ viewport: { width: 1440, height: 2800 } });
  await page.goto(`http://127.0.0.1:${mock.port}/servers/${machine.server.id}/disks`);
  await page.locator("figure canvas").first().waitFor();
  await page.waitForTimeout(3_000);
  const charts = await page.locator("figure canvas").count();
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
  const busyS = async () => {
    const { metrics } = await devtools.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN;
  };
  const before = await busyS();
  await page.waitForTimeout(SECONDS * 1000);
  const busy = (await busyS()) - before;
  const gapsMs = (await page.evaluate(`new Promise((done) => {
    const gaps = []; let last = performance.now(); const end = last + ${SECONDS * 1000};
    const frame = (now) => { gaps.push(now - last); last = now; now < end ? requestAnimationFrame(frame) : done(gaps); };
    requestAnimationFrame(frame);
  })`)) as number[];
  await page.close();
  const sorted = gapsMs.toSorted((a, b) => a - b);
  const round = (n: number | undefined) => Math.round((n ?? Number.NaN) * 10) / 10;
  return {
    charts,
    framesPerSecond: round((gapsMs.length * 1000) / gapsMs.reduce((sum, ms) => sum + ms, 0)),
    frameMsP99: round(sorted[Math.floor(sorted.length * 0.99)]),
    frameMsLongest: round(sorted.at(-1)),
    cpuMsPerSecond: round((busy * 1000) / SECONDS),
  };
}
