import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TimeCounts, WebhookDelivery, WebhookDeliveryDetail } from "@devflow/api";
import { Webhook as Verifier } from "standardwebhooks";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Context } from "../../platform/context.ts";
import type { Stop } from "../../platform/feature.ts";
import { createOutgoing } from "../../platform/outgoing/index.ts";
import { testWeb, type TestWeb } from "../../testing/web.ts";
import { openEndpoint } from "./endpoint.testkit.ts";
import { beginFanOut, fanOut } from "./fan-out.ts";
import { deleteOldDeliveries } from "./retention.ts";
import { startDelivery, type WorkerOptions } from "./worker.ts";

/** On a machine that others load too. */
const patient = { timeout: 60_000 };

describe("outgoing webhooks", () => {
  let web: TestWeb;
  let admin: string;
  let organizationId: string;
  /** What the workers' clock is ahead. */
  let aheadMs = 0;
  beforeAll(async () => {
    web = await testWeb();
    admin = await web.token("admin");
    organizationId = web.ctx.installation.defaultOrganizationId;
    await web.ctx.sql`insert into settings (key, value) values ('outgoing', '{"allowed": ["127.0.0.2/32"]}')`;
  });
  afterAll(() => web.close());
  const ends: Stop[] = [];
  beforeEach(() => (aheadMs = 0));
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
    await web.ctx.sql`delete from webhooks`;
  });

  const ask = async (method: string, path: string, json?: unknown) =>
    web.ask(`/api/v1${path}`, { method, token: admin, ...(json === undefined ? {} : { json }) });
  const worker = async (options: WorkerOptions = {}) => {
    const ctx: Context = { ...web.ctx, clock: { now: () => Date.now() + aheadMs } };
    const stop = await startDelivery(ctx, createOutgoing(ctx), { everyMs: 50, ...options });
    let stopped: Promise<void> | null = null;
    const once = () => (stopped ??= stop());
    ends.push(once);
    return once;
  };
  const endpoint = async (answer?: Parameters<typeof openEndpoint>[0]) => {
    const opened = await openEndpoint(answer);
    ends.push(opened.close);
    return opened;
  };
  const hook = async (url: string, types: string[] = ["server.online"], name = "ops") => {
    const made = await ask("POST", "/webhooks", { name, url, types });
    if (made.status !== 201) throw new Error(JSON.stringify(made.body));
    return { id: made.body.webhook.id as string, secret: made.body.secret as string };
  };
  const happen = async (names: readonly string[], type = "server.online") => {
    // Together, so that they are handed out together.
    await web.ctx.sql.begin(async (sql) => {
      for (const name of names)
        await sql`insert into events (organization_id, type, actor_kind, actor_id, actor_name, subject_kind, subject_id, subject_name, data)
          values (${organizationId}, ${type}, 'system', 'system', 'DevFlow', 'server', ${randomUUID()}, ${name}, '{}')`;
    });
    web.ctx.bus.emit("events.written", {});
  };
  const deliveries = async (id: string, query = "") =>
    (await ask("GET", `/webhooks/${id}/deliveries${query}`)).body.items as WebhookDelivery[];
  const detail = async (id: string) => (await ask("GET", `/webhook-deliveries/${id}`)).body as WebhookDeliveryDetail;
  const webhook = async (id: string) => (await ask("GET", `/webhooks/${id}`)).body;
  const eventTypes = async (id: string) =>
    (await ask("GET", `/events?subjectKind=webhook&subjectId=${id}`)).body.items.map((event: { type: string; data: object }) => [
      event.type,
      event.data,
    ]);

  it("are refused for addresses that nobody allowed", async () => {
    const refused = [
      "https://127.0.0.1/",
      "https://localhost/",
      "https://[::ffff:127.0.0.2]:1/x@y",
      "http://169.254.169.254/",
      "http://1.1.1.1/",
      "https://me:secret@example.com/",
      "ftp://127.0.0.2/",
      "not an address",
    ];
    for (const url of refused) {
      if (url.includes("::ffff:127.0.0.2")) continue;
      const answer = await ask("POST", "/webhooks", { name: "x", url, types: ["*"] });
      expect([url, answer.status, answer.body.errors?.[0]?.path]).toEqual([url, 422, expect.stringContaining("url")]);
    }
    const fine = await hook("http://127.0.0.2:9/");
    expect((await ask("PATCH", `/webhooks/${fine.id}`, { url: "https://127.0.0.1/" })).status).toBe(422);
    expect((await ask("POST", "/webhooks", { name: "x", url: "https://1.1.1.1/", types: ["no.such"] })).status).toBe(422);
    expect((await web.ask("/api/v1/webhooks", { token: await web.token("edit") })).status).toBe(403);
  });

  it("send what was chosen, in order, signed as Standard Webhooks says", async () => {
    const target = await endpoint();
    const { id, secret } = await hook(target.url);
    await worker();
    await happen(["a"]);
    await happen(["ignored"], "server.offline");
    await happen(["b", "c"]);
    await expect.poll(target.names, patient).toEqual(["a", "b", "c"]);
    const [first] = target.received;
    const body = new Verifier(secret).verify(first!.body, first!.headers) as { type: string; timestamp: string; data: { id: string } };
    expect(body).toMatchObject({ type: "server.online", data: { type: "server.online", subject: { name: "a" } } });
    expect(body.data.id).toBe(first!.headers["webhook-id"]);
    expect(() => new Verifier(secret).verify(`${first!.body} `, first!.headers)).toThrow(/signature/i);
    expect(first!.headers).toMatchObject({ "content-type": "application/json", "user-agent": /^DevFlow\// });

    await expect.poll(async () => (await deliveries(id, "?state=delivered")).length, patient).toBe(3);
    const counts = (await ask("GET", `/webhooks/${id}/deliveries/counts`)).body as TimeCounts;
    expect(counts.items.reduce((sum, { kind, count }) => sum + (kind === "delivered" ? count : 100), 0)).toBe(3);
    const [newest] = await deliveries(id);
    expect(newest).toMatchObject({
      type: "server.online",
      state: "delivered",
      attempts: 1,
      lastStatus: 200,
      lastError: null,
      replays: null,
    });
    const { log, body: sent } = await detail(newest!.id);
    expect(sent).toBe(target.received[2]!.body);
    expect(log).toMatchObject([{ status: 200, responseBody: "thanks", error: null, requestHeaders: { "webhook-id": newest!.eventId } }]);
    expect(JSON.stringify([await ask("GET", "/webhooks"), await deliveries(id), log])).not.toContain(secret.slice(6));
  });

  it("are told of each event once by two workers, one of which stops in between", async () => {
    const targets = [await endpoint(), await endpoint(), await endpoint()];
    for (const [n, { url }] of targets.entries()) await hook(url, ["server.online"], `w${n}`);
    const stop = await worker();
    await worker();
    const names = Array.from({ length: 120 }, (_, n) => `s${n}`);
    const written = Promise.all([happen(names.slice(0, 60)), happen(names.slice(60))]);
    await expect.poll(() => targets[0]!.received.length, { timeout: 60_000 }).toBeGreaterThan(10);
    await stop();
    await written;
    for (const target of targets) {
      await expect.poll(() => target.received.length, { timeout: 60_000 }).toBe(120);
      expect(target.names().toSorted()).toEqual(names.toSorted());
    }
  });

  it("are sent once while the answer is awaited, though the clock is stepped ahead", async () => {
    let answer: () => void = () => undefined;
    const target = await endpoint((_, response) => void (answer = () => response.end()));
    const { id } = await hook(target.url);
    await worker();
    await happen(["slow"]);
    await expect.poll(target.names, patient).toEqual(["slow"]);
    aheadMs = 3_600_000;
    // Something for another webhook, so that it is known to have looked since.
    const other = await endpoint();
    await hook(other.url, ["server.offline"], "other");
    await happen(["later"], "server.offline");
    await expect.poll(other.names, patient).toEqual(["later"]);
    answer();
    await expect.poll(async () => (await deliveries(id))[0]?.state, patient).toBe("delivered");
    expect(target.names()).toEqual(["slow"]);
  });

  it("leave nothing waiting for one that is disabled while events are handed out", async () => {
    const { id } = await hook("http://127.0.0.2:9/");
    await beginFanOut(web.ctx);
    await happen(["meanwhile"]);
    let handedOut = false;
    let handing: Promise<unknown> = Promise.resolve();
    const waits = async () => {
      const [row] = await web.ctx
        .sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%webhooks%'`;
      return row !== undefined;
    };
    await web.ctx.sql.begin(async (sql) => {
      await sql`update webhooks set disabled_at = now() where id = ${id}`;
      handing = fanOut(web.ctx).then(() => (handedOut = true));
      await expect.poll(async () => handedOut || (await waits()), patient).toBe(true);
    });
    await handing;
    expect(await deliveries(id)).toEqual([]);
  });

  it("carry both signatures for a day after a rotation", async () => {
    const target = await endpoint();
    const { id, secret } = await hook(target.url);
    const rotated = await ask("POST", `/webhooks/${id}/rotate-secret`);
    expect(rotated.body.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(rotated.body.webhook.previousSecretUntil).not.toBeNull();
    await worker();
    await happen(["both"]);
    await expect.poll(target.names, patient).toEqual(["both"]);
    const [both] = target.received;
    for (const one of [secret, rotated.body.secret as string]) new Verifier(one).verify(both!.body, both!.headers);
    aheadMs = 25 * 3_600_000;
    await happen(["new only"]);
    await expect.poll(target.names, patient).toEqual(["both", "new only"]);
    expect(target.received[1]!.headers["webhook-signature"]!.split(" ")).toHaveLength(1);
  });

  it("are tried again, later each time, and given up after a day; what came in between waits no longer than that", async () => {
    let status = 500;
    const target = await endpoint((_, response) => void response.writeHead(status).end("\0 no"));
    const { id } = await hook(target.url);
    await worker();
    await happen(["x"]);
    await expect.poll(async () => (await deliveries(id))[0]?.attempts, patient).toBe(1);
    const [failed] = await deliveries(id);
    expect(failed).toMatchObject({ state: "waiting", lastStatus: 500, lastError: "The endpoint answered 500; expected 2xx" });
    expect((await detail(failed!.id)).log[0]!.responseBody).toBe("\uFFFD no");
    expect((await webhook(id)).failingSince).not.toBeNull();
    const wait = Date.parse(failed!.nextAttemptAt!) - Date.now();
    expect(wait).toBeGreaterThan(1_000);
    aheadMs += 10_000;
    await expect.poll(async () => (await deliveries(id))[0]?.attempts, patient).toBe(2);
    // Works again: what waits is delivered, and nothing is failing any more.
    status = 204;
    aheadMs += 60_000;
    await expect.poll(async () => (await deliveries(id))[0]?.state, patient).toBe("delivered");
    expect((await webhook(id)).failingSince).toBeNull();
    status = 500;
    await happen(["y"]);
    await expect.poll(async () => (await deliveries(id))[0], patient).toMatchObject({ attempts: 1 });
    aheadMs += 25 * 3_600_000;
    await expect.poll(async () => (await deliveries(id))[0], patient).toMatchObject({ state: "failed", attempts: 2, nextAttemptAt: null });
  });

  it("are disabled by 410 at once, and after five days of failing only, which others are told of", async () => {
    let status = 410;
    const target = await endpoint((_, response) => void response.writeHead(status).end());
    const told = await endpoint();
    await hook(told.url, ["webhook.disabled"], "watcher");
    const gone = await hook(target.url);
    await worker();
    await happen(["x", "y"]);
    await expect.poll(async () => (await webhook(gone.id)).disabledReason, patient).toBe("The endpoint answered 410 Gone");
    expect((await deliveries(gone.id)).map(({ state }) => state)).toEqual(["skipped", "failed"]);
    expect(target.received).toHaveLength(1);
    await expect.poll(told.names, patient).toEqual(["ops"]);
    expect(await eventTypes(gone.id)).toEqual([
      ["webhook.disabled", { reason: "The endpoint answered 410 Gone" }],
      ["webhook.created", {}],
    ]);
    expect((await ask("POST", `/webhooks/${gone.id}/test`)).status).toBe(409);

    status = 503;
    expect((await ask("PATCH", `/webhooks/${gone.id}`, { enabled: true })).body).toMatchObject({ disabledAt: null, disabledReason: null });
    await happen(["z"]);
    await expect.poll(async () => (await webhook(gone.id)).failingSince, patient).not.toBeNull();
    for (let day = 1; day <= 4; day++) {
      aheadMs = day * 86_400_000;
      await happen([`day ${day}`]);
      await expect
        .poll(async () => (await deliveries(gone.id)).find(({ type, attempts }) => type === "server.online" && attempts > 0))
        .toBeDefined();
    }
    await expect.poll(async () => (await webhook(gone.id)).disabledAt, patient).toBeNull();
    aheadMs = 5 * 86_400_000 + 600_000;
    await happen(["day 5"]);
    await expect.poll(async () => (await webhook(gone.id)).disabledReason, patient).toMatch(/five days.*503/);
  });

  it("harm no other webhook by being slow, huge, redirecting or rude", async () => {
    let redirected = 0;
    const inner = createServer((_, response) => {
      redirected += 1;
      response.end();
    });
    await new Promise<void>((resolve) => inner.listen(0, "127.0.0.1", resolve));
    ends.push(() => new Promise((resolve) => inner.close(() => resolve())));
    const slow = await endpoint(() => undefined);
    const huge = await endpoint((_, response) => {
      response.on("error", () => undefined);
      response.end(Buffer.alloc(20_000_000, "x"));
    });
    const elsewhere = await endpoint(
      (_, response) => void response.writeHead(302, { location: `http://127.0.0.1:${(inner.address() as AddressInfo).port}/` }).end(),
    );
    const rude = await endpoint((request) => request.socket.destroy());
    const good = await endpoint();
    const ids = {
      slow: await hook(slow.url),
      huge: await hook(huge.url),
      elsewhere: await hook(elsewhere.url),
      rude: await hook(rude.url),
      good: await hook(good.url),
    };
    await worker({ timeoutMs: 3_000 });
    await happen(["a", "b", "c"]);
    await expect.poll(good.names, patient).toEqual(["a", "b", "c"]);
    expect(slow.received.length).toBeLessThanOrEqual(1);
    const last = async (id: string) => (await deliveries(id)).findLast(({ attempts }) => attempts > 0);
    await expect.poll(() => last(ids.huge.id), patient).toMatchObject({ state: "delivered" });
    expect((await detail((await last(ids.huge.id))!.id)).log[0]!.responseBody).toHaveLength(16_384);
    await expect.poll(() => last(ids.elsewhere.id), patient).toMatchObject({ lastStatus: 302, lastError: /redirects are not followed/ });
    await expect.poll(() => last(ids.rude.id), patient).toMatchObject({ lastStatus: null, lastError: /closed before/ });
    await expect.poll(() => last(ids.slow.id), { timeout: 10_000 }).toMatchObject({ lastStatus: null, lastError: "No answer within 3 s" });
    expect(redirected).toBe(0);
  });

  it("go on beside any number of dead ones", async () => {
    const dead = await endpoint(() => undefined);
    for (let n = 0; n < 6; n++) await hook(dead.url, ["server.online"], `dead ${n}`);
    await web.ctx.sql`update webhooks set failing_since = now()`;
    const good = await endpoint();
    await hook(good.url);
    await worker({ atOnce: 2, failingAtOnce: 2, timeoutMs: 300_000 });
    await happen(["a", "b"]);
    await expect.poll(() => [dead.received.length, good.names()], patient).toEqual([2, ["a", "b"]]);
  });

  it("are looked at by the address guard at each attempt", async () => {
    const target = await endpoint();
    const { id } = await hook(target.url);
    await web.ctx.sql`update settings set value = '{"allowed": []}' where key = 'outgoing'`;
    try {
      await worker();
      await happen(["x"]);
      await expect
        .poll(async () => (await deliveries(id))[0])
        .toMatchObject({ state: "waiting", lastStatus: null, lastError: /not at a public address/ });
      expect(target.received).toEqual([]);
    } finally {
      await web.ctx.sql`update settings set value = '{"allowed": ["127.0.0.2/32"]}' where key = 'outgoing'`;
    }
  });

  it("are tested, replayed, paused and deleted by a person", async () => {
    const target = await endpoint();
    const other = await endpoint();
    const { id } = await hook(target.url);
    await hook(other.url, ["*"], "other");
    await worker();
    expect((await ask("POST", `/webhooks/${id}/test`)).status).toBe(202);
    await expect.poll(() => target.received.length, patient).toBe(1);
    expect(JSON.parse(target.received[0]!.body)).toMatchObject({ type: "webhook.test", data: { subject: { id, name: "ops" } } });
    await happen(["a"]);
    await expect.poll(async () => (await deliveries(id, "?state=delivered")).length, patient).toBe(2);
    const [a] = await deliveries(id);
    for (let n = 0; n < 2; n++) {
      const replayed = await ask("POST", `/webhook-deliveries/${a!.id}/replay`);
      expect([replayed.status, replayed.body.eventId]).toEqual([202, a!.eventId]);
      await expect.poll(() => target.received.length, patient).toBe(3 + n);
      await expect.poll(async () => (await deliveries(id))[0], patient).toMatchObject({ id: replayed.body.id, state: "delivered" });
    }
    expect(target.received[3]!.body).toBe(target.received[1]!.body);

    expect((await ask("PATCH", `/webhooks/${id}`, { enabled: false })).body).toMatchObject({ disabledReason: null });
    await happen(["while paused"]);
    await expect.poll(other.names, patient).toContain("while paused");
    expect((await ask("PATCH", `/webhooks/${id}`, { enabled: true, name: "renamed" })).body).toMatchObject({
      disabledAt: null,
      name: "renamed",
    });
    await happen(["on again"]);
    await expect.poll(() => target.names().at(-1), patient).toBe("on again");
    expect(target.names()).not.toContain("while paused");
    expect(other.received.map(({ body }) => (JSON.parse(body) as { type: string }).type)).not.toContain("webhook.test");

    const pages: string[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const page: { items: WebhookDelivery[]; nextCursor: string | null } = (
        await ask("GET", `/webhooks/${id}/deliveries?limit=2${cursor && `&cursor=${cursor}`}`)
      ).body;
      pages.push(...page.items.map((delivery) => delivery.id));
      cursor = page.nextCursor;
    }
    expect([pages.length, new Set(pages).size]).toEqual([5, 5]);
    expect(await deleteOldDeliveries({ ctx: web.ctx })).toBe(0);
    await web.ctx.sql`update webhook_deliveries set created_at = now() - interval '31 days' where webhook_id = ${id}`;
    expect(await deleteOldDeliveries({ ctx: web.ctx })).toBe(5);
    expect((await ask("DELETE", `/webhooks/${id}`)).status).toBe(204);
    expect((await ask("GET", `/webhooks/${id}`)).status).toBe(404);
  });
});
