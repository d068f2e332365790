import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Mock } from "../web/mock/server.ts";
import { hasBrowser } from "./browser.ts";
import { Stage, violations } from "./stage.ts";

describe.skipIf(!hasBrowser)("axe finds nothing", () => {
  let stage: Stage;
  let mock: Mock;
  let serverId: string;
  let quarantinedId: string;
  beforeAll(async () => {
    stage = await Stage.open();
    mock = await stage.mock({ servers: 30 });
    quarantinedId = mock.world.machines.find((m) => m.server.state === "quarantined")?.server.id ?? "";
    serverId = mock.world.machines[9]?.server.id ?? "";
  });
  afterAll(() => stage.close());

  const pages: [name: string, path: (id: string) => string, ready: string][] = [
    ["the list", () => "/servers?sort=-cpu&q=tag:prod", "tbody tr[aria-rowindex]"],
    ["cards", () => "/servers?view=cards", "ul[aria-label=Servers] a"],
    ["a server", (id) => `/servers/${id}?range=1h`, "figure canvas"],
    ["a server in quarantine", () => `/servers/${quarantinedId}`, "text=Release it if you know"],
    ["its disks", (id) => `/servers/${id}/disks?range=1h`, "figure canvas"],
    ["its network", (id) => `/servers/${id}/network?range=1h`, "figure canvas"],
    ["its inventory", (id) => `/servers/${id}/inventory`, "dl"],
    ["its settings", (id) => `/servers/${id}/settings`, "form"],
    ["enrolment tokens", () => "/settings/enrolment", "tbody tr"],
    ["API tokens", () => "/settings/tokens", "tbody tr"],
    ["events", () => "/events", "figure .piece"],
    ["the audit log", () => "/settings/audit", "figure .piece"],
    ["the profile", () => "/settings/profile", "form"],
    ["a page that is not there", () => "/nowhere", "h1"],
    ["sign-in", () => "/sign-in", "form"],
    ["setup", () => "/setup#demo", "h1"],
  ];
  for (const colorScheme of ["light", "dark"] as const) {
    it.each(pages)(`on %s, ${colorScheme}`, async (_name, path, ready) => {
      const { page, problems } = await stage.page(mock, path(serverId), { colorScheme });
      await page.locator(ready).first().waitFor();
      expect(await violations(page)).toEqual([]);
      expect(problems).toEqual([]);
      await page.context().close();
    });
  }
  it.each(pages)("on %s on a phone", async (_name, path, ready) => {
    const { page } = await stage.page(mock, path(serverId), { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
    await page
      .locator(ready.endsWith("[aria-rowindex]") ? "ul[aria-label=Servers] a" : ready)
      .first()
      .waitFor();
    expect(await violations(page)).toEqual([]);
    // Nothing sticks out of the narrow page: a phone's browser would draw all of it smaller (and innerWidth would grow with it).
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(390);
    await page.context().close();
  });
  it("in the dialogues and the palette", async () => {
    const { page } = await stage.page(mock, "/servers");
    await page.locator("tbody tr[aria-rowindex]").first().waitFor();
    await page.keyboard.press("Control+k");
    await page.getByRole("option").first().waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.keyboard.press("n");
    await page.getByRole("button", { name: "Make the line" }).click();
    await page.getByTestId("install-command").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  });
});
