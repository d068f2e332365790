import { setTimeout as sleep } from "node:timers/promises";
import { apiClient, rssMb, type LiveMessage } from "@devflow/testkit";
import type { Browser } from "playwright-core";
import { afterEach, describe, expect, it } from "vitest";
import { hasBrowser, openBrowser } from "../browser.ts";
import { startController, type ControllerProcess } from "../controller-process.ts";
import { startExternalPostgres, type ExternalPostgres } from "../external-postgres.ts";
import { startFleet, type Fleet } from "../fleet.ts";

/** DEVFLOW_TEST_LONG=1: two minutes of each outage instead of half a minute. */
const awayMs = process.env["DEVFLOW_TEST_LONG"] === "1" ? 120_000 : 30_000;
const AGENTS = 30;
const password = "three plain words here";

interface ServerView {
  readonly id: string;
  readonly state: string;
  readonly stateSince: string | null;
}

describe("a database that is away", () => {
  let postgres: ExternalPostgres | null = null;
  let controller: ControllerProcess | null = null;
  let fleet: Fleet | null = null;
  let browser: Browser | null = null;
  afterEach(async () => {
    await browser?.close();
    postgres?.thaw();
    await fleet?.running.stop();
    await controller?.stop();
    await postgres?.remove();
    [postgres, controller, fleet, browser] = [null, null, null, null];
  });

  const outages = {
    "hangs (SIGSTOP)": { begin: (p: ExternalPostgres) => p.freeze(), end: async (p: ExternalPostgres) => p.thaw() },
    "was stopped": { begin: (p: ExternalPostgres) => p.stop(), end: (p: ExternalPostgres) => p.start() },
  };
  it.each(Object.entries(outages))(
    `that %s for ${awayMs / 1000} s: it shows, agents keep their data and stay online, nothing is lost`,
    { timeout: 500_000 },
    async (_, outage) => {
      postgres = await startExternalPostgres();
      controller = await startController({
        agents: AGENTS,
        env: { ...postgres.env, DEVFLOW_ADMIN_EMAIL: "ada@example.com", DEVFLOW_ADMIN_PASSWORD: password },
      });
      fleet = await startFleet(controller);
      await fleet.settled(40_000);
      const { url, api } = controller;
      const readyz = async () => (await fetch(`${url}/readyz`)).status;
      const states: { since: number; database: string }[] = [];
      const unfollow = await apiClient(url, controller.token).follow("servers", (message: LiveMessage & { database?: string }) => {
        if (message.type === "health") states.push({ since: Date.now(), database: message.database ?? "" });
      });
      const servers = async () => (await api.get<{ items: ServerView[] }>("/api/v1/servers?limit=100")).items;
      const before = await servers();
      expect(before.filter((server) => server.state === "online")).toHaveLength(AGENTS);
      const page = hasBrowser ? await (browser = await openBrowser()).newPage() : null;
      if (page !== null) {
        await page.goto(`${url}/sign-in`);
        await page.getByLabel("E-mail").fill("ada@example.com");
        await page.getByLabel("Password").fill(password);
        await page.keyboard.press("Enter");
        await page.locator('a[href^="/servers/"]').first().waitFor();
      }

      const signedIn = await fetch(`${url}/api/v1/session`, {
        method: "POST",
        headers: { "content-type": "application/json", origin: url },
        body: JSON.stringify({ email: "ada@example.com", password }),
      });
      const cookie = signedIn.headers
        .getSetCookie()
        .map((line) => line.split(";")[0])
        .join("; ");

      const memoryMb = await rssMb(controller.pid());
      const begunMs = Date.now();
      await outage.begin(postgres);
      await expect.poll(readyz, { timeout: 60_000 }).toBe(503);
      await expect.poll(() => states.map((state) => state.database), { timeout: 60_000 }).toEqual(["unavailable"]);
      await page?.getByText(/^Database unavailable since/).waitFor({ timeout: 60_000 });
      await sleep(begunMs + awayMs - Date.now());
      // Every agent is still connected and keeps what it reads.
      expect(fleet.running.connected()).toBe(AGENTS);
      expect(fleet.running.totals().waiting).toBeGreaterThanOrEqual(AGENTS * Math.floor(awayMs / 10_000 - 1));
      // An answer, not a wait without end, for whoever asks now.
      const asked = await fetch(`${url}/api/v1/servers`, { headers: { authorization: `Bearer ${controller.token}` } });
      expect(asked.status).toBe(503);
      // The same for a person, whose session is looked up by another part.
      const person = await fetch(`${url}/api/v1/session`, { headers: { cookie } });
      expect([person.status, ((await person.json()) as { code: string }).code]).toEqual([503, "unavailable"]);
      const grownMb = (await rssMb(controller.pid())) - memoryMb;
      await outage.end(postgres);

      await expect.poll(readyz, { timeout: 60_000 }).toBe(200);
      await expect.poll(() => states.at(-1)?.database, { timeout: 60_000 }).toBe("ok");
      await page?.getByText(/^Database unavailable since/).waitFor({ state: "detached", timeout: 60_000 });
      await fleet.settled(40_000);
      const after = await servers();
      // Online, and in the same state as before: none was called offline in between.
      expect(after.map(({ id, state, stateSince }) => ({ id, state, stateSince }))).toEqual(
        before.map(({ id, state, stateSince }) => ({ id, state, stateSince })),
      );
      const shownAfterMs = (states[0]?.since ?? Number.NaN) - begunMs;
      const found = await fleet.prove();
      unfollow();
      console.log(JSON.stringify({ awayMs, shownAfterMs, grownMb: Math.round(grownMb), ...found }));
      expect(grownMb).toBeLessThan(60);
      expect(controller.output().match(/"level":60/g)).toBeNull();
    },
  );
});
