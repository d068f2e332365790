import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Page } from "playwright-core";
import { hasBrowser } from "./browser.ts";
import { tabTo } from "./keyboard.ts";
import { Stage, violations } from "./stage.ts";

/** The page's own behaviour, over generated data; the real controller has tests of its own. */
describe.skipIf(!hasBrowser)("the page", () => {
  let stage: Stage;
  beforeAll(async () => void (stage = await Stage.open()));
  afterAll(() => stage.close());
  const rows = (page: Page) => page.locator("tbody tr[aria-rowindex]");
  const firstName = (page: Page) => rows(page).first().getByRole("link").innerText();

  it("keeps filter, order and view in the address; back works", async () => {
    const { page } = await stage.page(await stage.mock({ servers: 40 }), "/servers");
    await rows(page).first().waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("tag:postgres");
    await expect.poll(() => rows(page).count()).toBe(5);
    expect(page.url()).toContain("q=tag:postgres");
    await page.getByRole("button", { name: "Server", exact: true }).click();
    await expect.poll(() => firstName(page)).toBe("db-05");
    await page.goBack();
    await expect.poll(() => firstName(page)).toBe("db-01");
    await page.reload();
    await expect.poll(() => rows(page).count()).toBe(5);
    await page.context().close();
  });

  it("is worked by keys alone: arrows and Enter open a server, g s leads back", async () => {
    const { page } = await stage.page(await stage.mock({ servers: 40 }), "/servers");
    await rows(page).first().focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "api-02" }).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("s");
    await rows(page).first().waitFor();
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").waitFor();
    await page.keyboard.type("queue-03");
    await page.getByRole("option", { name: /queue-03/ }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "queue-03" }).waitFor();
    expect(await page.title()).toBe("queue-03 · Servers · DevFlow");
    await page.context().close();
  });

  it("adds, renames and deletes a server by keys alone", async () => {
    const mock = await stage.mock({ servers: 3 });
    const { page } = await stage.page(mock, "/servers");
    await rows(page).first().waitFor();
    await page.getByRole("button", { name: "Add server" }).waitFor();
    await page.keyboard.press("n");
    await page.getByRole("dialog").waitFor();
    await tabTo(page, /^Make the line$/);
    await page.keyboard.press("Enter");
    await page.getByTestId("install-command").waitFor();
    await tabTo(page, /^Copy line$/);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").waitFor();
    await page.keyboard.type("api-01");
    await page.getByRole("option", { name: /api-01/ }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "api-01" }).waitFor();
    await tabTo(page, /^Settings$/);
    await page.keyboard.press("Enter");
    await page.getByLabel("Shown name").waitFor();
    await tabTo(page, /^Shown name/);
    await page.keyboard.press("Control+a");
    await page.keyboard.type("web-01");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "web-01" }).waitFor();
    await tabTo(page, /^Delete…$/);
    await page.keyboard.press("Enter");
    await tabTo(page, /^Type web-01/);
    await page.keyboard.type("web-01");
    await page.keyboard.press("Enter");
    await expect.poll(() => rows(page).count()).toBe(2);
    await page.context().close();
  });

  it("scrolls 10,000 rows without a blank one", async () => {
    const { page } = await stage.page(await stage.mock({ servers: 10_000 }), "/servers");
    await page.getByRole("status").filter({ hasText: "10,000 servers" }).waitFor();
    await expect.poll(() => page.getByRole("table", { name: "Servers" }).getAttribute("aria-rowcount"), { timeout: 60_000 }).toBe("10001");
    await page.mouse.move(600, 600);
    for (let i = 1; i <= 12; i++) {
      await page.mouse.wheel(0, 3000);
      // A busy machine takes its time until the browser has heard of the wheel.
      await expect.poll(() => page.evaluate("scrollY")).toBeGreaterThan((i - 1) * 3000);
      // What stands in the middle of the window after the next frame is a row with a name.
      const there = await page.evaluate(
        "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(document.elementFromPoint(500, 600)?.closest('tr[aria-rowindex]') != null))))",
      );
      expect(there).toBe(true);
      // Rows that come above the window do not move the page.
      expect(await page.evaluate("scrollY")).toBe(i * 3000);
    }
    expect(await rows(page).count()).toBeLessThan(150);
    await page.context().close();
  });

  it("shows a server the moment it connects", async () => {
    const mock = await stage.mock({ servers: 3 });
    const { page } = await stage.page(mock, "/servers");
    await page.getByRole("button", { name: "Add server" }).click();
    await page.getByRole("button", { name: "Make the line" }).click();
    expect(await page.getByTestId("install-command").innerText()).toContain("--pinnedpubkey");
    await page.getByText("Waiting for the server").waitFor();
    const { name, id } = mock.world.connect().server;
    await page.getByRole("button", { name: `Open ${name}` }).click();
    await page.waitForURL(`**/servers/${id}`);
    await page.context().close();
  });

  it("says at once when the connection is lost, and heals itself", async () => {
    const mock = await stage.mock({ servers: 3 });
    const { page } = await stage.page(mock, "/servers");
    await page.getByText("live", { exact: true }).waitFor();
    mock.setFault("offline");
    await page.getByText(/connection lost/).waitFor({ timeout: 2000 });
    mock.setFault("none");
    await page.getByText("live", { exact: true }).waitFor({ timeout: 60_000 });
    expect(await page.getByText(/connection lost/).count()).toBe(0);
    await page.context().close();
  });

  it("says what failed, with the request's id, and goes on by itself", async () => {
    const mock = await stage.mock({ servers: 3 });
    mock.setFault("error");
    const { page } = await stage.page(mock, "/servers");
    const alert = page.getByRole("alert").filter({ hasText: "could not be loaded" });
    await alert.waitFor();
    expect(await alert.innerText()).toMatch(/database does not answer[^]*Request 01JD7R9XV4M2/);
    mock.setFault("none");
    await rows(page).first().waitFor({ timeout: 60_000 });
    await page.context().close();
  });

  it("zooms by dragging, keeps it in the address, and comes back by a double click", async () => {
    const mock = await stage.mock({ servers: 3 });
    const { page } = await stage.page(mock, `/servers/${mock.world.machines[0]?.server.id}?range=6h`);
    const plot = page.getByRole("figure", { name: "CPU", exact: true }).locator(".u-over");
    const box = await plot.boundingBox();
    if (!box) throw new Error("the chart is not drawn");
    await page.mouse.move(box.x + box.width * 0.25, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.75, box.y + 40, { steps: 4 });
    await page.mouse.up();
    await expect.poll(() => page.url()).toMatch(/range=6h&from=.*&to=/);
    const query = new URL(page.url()).searchParams;
    const hours = (Date.parse(query.get("to") ?? "") - Date.parse(query.get("from") ?? "")) / 3_600_000;
    expect(hours).toBeGreaterThan(2.8);
    expect(hours).toBeLessThan(3.2);
    await page.getByRole("link", { name: "Back to 6 h" }).waitFor();
    await plot.dblclick();
    await expect.poll(() => page.url()).not.toContain("from=");
    await page.context().close();
  });

  it("says beside the pointer when it was and what every line and core was then", async () => {
    const mock = await stage.mock({ servers: 3 });
    const { page } = await stage.page(mock, `/servers/${mock.world.machines[0]?.server.id}?range=6h`);
    const figure = (name: string) => page.getByRole("figure", { name, exact: true });
    const time = /\d\d:\d\d:\d\d/;
    await figure("CPU").locator(".u-over").hover();
    await expect.poll(() => figure("CPU").locator(".tip").innerText()).toMatch(new RegExp(`${time.source}[^]*user[^]*%[^]*max`));
    await figure("CPU cores").locator("canvas").hover();
    await expect.poll(() => figure("CPU cores").locator(".tip").innerText()).toMatch(new RegExp(`${time.source}[^]*core \\d+: [\\d.]+ %`));
    await page.context().close();
  });

  it("moves every second while live", async () => {
    const mock = await stage.mock({ servers: 3 });
    const { page } = await stage.page(mock, `/servers/${mock.world.machines[0]?.server.id}`);
    const headline = page.getByRole("figure", { name: "Network" }).getByTestId("headline");
    await headline.waitFor();
    const seen = new Set<string>();
    const moves = async (times: number) => {
      await expect.poll(async () => seen.add(await headline.innerText()).size, { timeout: 60_000, interval: 300 }).toBeGreaterThan(times);
    };
    await moves(2);
    const canvas = page.getByRole("figure", { name: "Network" }).locator("canvas");
    await canvas.evaluate((node) => node.setAttribute("data-first", "yes"));
    await moves(4);
    // Drawn anew, not made anew: what is dragged over it meanwhile stays.
    expect(await canvas.getAttribute("data-first")).toBe("yes");
    await page.context().close();
  });

  it("asks for the name before it deletes, and then the server is gone", async () => {
    const mock = await stage.mock({ servers: 3 });
    const { page } = await stage.page(mock, `/servers/${mock.world.machines[0]?.server.id}/settings`);
    await page.getByRole("button", { name: "Delete…" }).click();
    const sure = page.getByRole("button", { name: "Delete for good" });
    expect(await sure.isDisabled()).toBe(true);
    await page.getByLabel("Type api-01 to confirm").fill("api-01");
    await sure.click();
    await page.waitForURL("**/servers");
    await expect.poll(() => rows(page).count()).toBe(2);
    await page.context().close();
  });

  it("releases a server from quarantine with one press, and says what a revocation means", async () => {
    const mock = await stage.mock({ servers: 30 });
    const of = (state: string) => mock.world.machines.find((m) => m.server.state === state)?.server;
    const { page } = await stage.page(mock, `/servers/${of("quarantined")?.id}`);
    await page.getByText("Release it if you know the machine").waitFor();
    await page.getByRole("button", { name: "Release" }).click();
    await page.getByText("may connect again").waitFor();
    await page.getByText("online for").waitFor();
    expect(await page.getByRole("button", { name: "Release" }).count()).toBe(0);
    await page.goto(`/servers/${of("revoked")?.id}`);
    await page.getByText("Its certificate is refused").waitFor();
    await page.getByRole("link", { name: "Show its last hour" }).click();
    await expect.poll(() => page.url()).toMatch(/range=1h&from=.*&to=/);
    await page.context().close();
  });

  it("draws a young server from its first value on, not at the edge of an empty hour", async () => {
    const mock = await stage.mock({ servers: 3 });
    const { id } = mock.world.connect().server;
    const { page } = await stage.page(mock, `/servers/${id}?range=1h`);
    const said = page.getByText(/ 10 s a point$/);
    await said.waitFor();
    await expect.poll(() => said.innerText()).toMatch(/^since it was added \d+ (s|min) ago;/);
    await page.goto(`/servers/${mock.world.machines[0]?.server.id}?range=1h`);
    await expect.poll(() => said.innerText()).toMatch(/^\d\d:\d\d to \d\d:\d\d (UTC|GMT\S*|[A-Z]{2,4}), /);
    await page.context().close();
  });

  it("says what a new installation wants done, puts it away everywhere, and brings it back", async () => {
    const mock = await stage.mock({ servers: 1 });
    const { page } = await stage.page(mock, "/servers");
    const steps = page.getByRole("region", { name: "First steps" });
    await steps.getByText("2 of 4 done").waitFor();
    expect(await steps.getByRole("listitem").filter({ hasText: ", done" }).count()).toBe(2);
    // By keys alone.
    await steps.getByRole("button", { name: "Put the first steps away" }).focus();
    await page.keyboard.press("Enter");
    await steps.waitFor({ state: "detached" });
    expect(mock.world.firstStepsAway).toBe(true);
    await page.reload();
    await expect.poll(() => rows(page).count()).toBe(1);
    expect(await steps.count()).toBe(0);
    await page.getByRole("button", { name: "Help" }).press("Enter");
    await page.getByRole("menuitem", { name: "First steps" }).press("Enter");
    await steps.waitFor();
    await expect.poll(() => page.evaluate("document.activeElement.textContent")).toBe("First steps");
    expect(await violations(page)).toEqual([]);
    await steps.getByRole("link", { name: "Profile" }).click();
    await page.waitForURL("**/settings/profile");
    await page.context().close();
  });

  it("shows the first steps on a phone, and not to who finds an installation at work", async () => {
    const young = await stage.mock({ servers: 0 });
    const { page } = await stage.page(young, "/servers", { viewport: { width: 390, height: 844 } });
    await page.getByRole("region", { name: "First steps" }).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    await page.context().close();
    const old = await stage.mock({ servers: 12 });
    const { page: later } = await stage.page(old, "/servers");
    await expect.poll(() => rows(later).count()).toBeGreaterThan(5);
    expect(await later.getByRole("region", { name: "First steps" }).count()).toBe(0);
    await later.context().close();
  });

  it("sends a stranger to the sign-in without one refused call", async () => {
    const mock = await stage.mock({ servers: 1, signedIn: false });
    const { page } = await stage.page(mock, "/sign-in");
    const refused: string[] = [];
    page.on("response", (r) => r.status() >= 400 && refused.push(`${r.status()} ${r.url()}`));
    await page.goto("/servers");
    await page.waitForURL(/sign-in\?next=/);
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    expect(refused).toEqual([]);
    await page.context().close();
  });

  it("makes the administrator, keeps what was typed when the code is wrong, and signs out and in", async () => {
    const mock = await stage.mock({ servers: 1, setupNeeded: true, signedIn: false });
    const { page } = await stage.page(mock, "/setup#stale");
    await page.getByLabel("Your name").fill("Mira");
    await page.getByLabel("E-mail").fill("mira@northwind.example");
    await page.getByLabel("Password").fill("correct horse battery");
    await page.getByRole("button", { name: "Make the account" }).click();
    await page.getByRole("alert").waitFor();
    expect(await page.getByLabel("E-mail").inputValue()).toBe("mira@northwind.example");
    await page.getByLabel("One-time code").fill("demo");
    await page.getByRole("button", { name: "Make the account" }).click();
    await rows(page).first().waitFor();
    await page.getByRole("button", { name: /^Account of/ }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.waitForURL("**/sign-in");
    await page.goto("/settings/tokens");
    await page.waitForURL(/sign-in\?next=%2Fsettings%2Ftokens/);
    await page.getByLabel("E-mail").fill("mira@northwind.example");
    await page.getByLabel("Password").fill("correct horse battery");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL("**/settings/tokens");
    await page.context().close();
  });

  it("shows a token once, and takes a revocation back", async () => {
    const { page } = await stage.page(await stage.mock({ servers: 1 }), "/settings/tokens");
    await page.getByRole("button", { name: "New token" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill("nightly");
    await page.getByRole("button", { name: "Make the token" }).click();
    const secret = await page.getByTestId("token-secret").innerText();
    await page.getByRole("button", { name: "Done" }).click();
    expect(await page.content()).not.toContain(secret);
    await page.getByRole("button", { name: "Revoke nightly" }).click();
    await page
      .getByRole("row", { name: /nightly/ })
      .getByText("Revoked")
      .waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await page
      .getByRole("row", { name: /nightly/ })
      .getByText("Active")
      .waitFor();
    await page.context().close();
  });
});
