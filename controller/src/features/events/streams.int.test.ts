import { randomUUID } from "node:crypto";
import type { Event, LiveServerMessage } from "@devflow/api";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { principalOf } from "../../platform/auth/index.ts";
import { registry } from "../../platform/observability/index.ts";
import { testWeb, type TestWeb } from "../../testing/web.ts";
import { createFollower } from "./follower.ts";
import { createStreamEvents, maxWaitingBytes } from "./stream-events.ts";

interface Sent {
  readonly id: string | null;
  readonly name: string;
  readonly kind: string;
}

/** On a machine that others load too. */
const patient = { timeout: 60_000 };

describe("streams of events", () => {
  let web: TestWeb;
  let token: string;
  let organizationId: string;
  beforeAll(async () => {
    web = await testWeb();
    token = await web.token("view");
    organizationId = web.ctx.installation.defaultOrganizationId;
  });
  afterAll(() => web.close());
  const ends: (() => void)[] = [];
  afterEach(() => ends.splice(0).forEach((end) => end()));

  const insert = (sql: typeof web.ctx.sql, name: string, organization = organizationId, groupId: string | null = null) =>
    sql`insert into events (organization_id, type, actor_kind, actor_id, actor_name, subject_kind, subject_id, subject_name, group_id, data)
      values (${organization}, 'server.online', 'system', 'system', 'DevFlow', 'server', ${randomUUID()}, ${name}, ${groupId}, '{}')`;
  const write = async (...names: string[]) => {
    for (const name of names) await insert(web.ctx.sql, name);
    web.ctx.bus.emit("events.written", {});
  };

  /** Opens the stream and reads it until `end`; `paused` reads nothing until resume(). */
  const open = async (options: { query?: string; lastEventId?: string; token?: string; paused?: boolean } = {}) => {
    const abort = new AbortController();
    ends.push(() => abort.abort());
    const headers: Record<string, string> = { authorization: `Bearer ${options.token ?? token}` };
    if (options.lastEventId !== undefined) headers["last-event-id"] = options.lastEventId;
    const response = await fetch(`${web.origin}/api/v1/events/stream${options.query ?? ""}`, { headers, signal: abort.signal });
    const received: Sent[] = [];
    let lastId: string | null = null;
    let closed = false;
    const read = async () => {
      let text = "";
      const decoder = new TextDecoder();
      for await (const chunk of response.body!) {
        text += decoder.decode(chunk as Uint8Array, { stream: true });
        for (let at = text.indexOf("\n\n"); at !== -1; at = text.indexOf("\n\n")) {
          const fields = Object.fromEntries(
            text
              .slice(0, at)
              .split("\n")
              .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
          );
          text = text.slice(at + 2);
          if (fields["id"] !== undefined) lastId = fields["id"];
          if (fields["data"] === undefined) continue;
          const event = JSON.parse(fields["data"]) as Partial<Event>;
          received.push({ id: fields["id"] ?? null, name: event.subject?.name ?? "", kind: fields["event"] ?? "message" });
        }
      }
      closed = true;
    };
    const run = () => void read().catch(() => (closed = true));
    if (options.paused !== true) run();
    const names = () => received.map(({ name }) => name);
    return { response, received, names, resume: run, end: () => abort.abort(), lastId: () => lastId, isClosed: () => closed };
  };
  const ready = async (stream: Awaited<ReturnType<typeof open>>) => {
    await expect.poll(stream.lastId, patient).not.toBeNull();
  };

  it("tell each event once, in the order of commits, and go on behind the last one", async () => {
    const stream = await open();
    expect(stream.response.headers.get("content-type")).toBe("text/event-stream");
    await ready(stream);
    await write("a", "b", "c");
    await expect.poll(stream.names, patient).toEqual(["a", "b", "c"]);
    stream.end();
    await write("d", "e");
    const resumed = await open({ lastEventId: stream.lastId()! });
    await expect.poll(resumed.names, patient).toEqual(["d", "e"]);
    await write("f");
    await expect.poll(resumed.names, patient).toEqual(["d", "e", "f"]);
    expect((await open({ query: `?after=${resumed.received[1]!.id}` })).response.status).toBe(200);
  });

  it("go on without a gap for a reader that broke off before its first event", async () => {
    const stream = await open();
    await ready(stream);
    stream.end();
    await write("while away");
    const resumed = await open({ lastEventId: stream.lastId()! });
    await expect.poll(resumed.names, patient).toEqual(["while away"]);
  });

  it("pass over no event whose transaction takes longer than a later one", async () => {
    const stream = await open();
    await ready(stream);
    let commit = (): void => undefined;
    let written = (): void => undefined;
    const inserted = new Promise<void>((resolve) => (written = resolve));
    const slow = web.ctx.sql.begin(async (sql) => {
      await insert(sql as never, "slow");
      written();
      await new Promise<void>((resolve) => (commit = resolve));
    });
    await inserted;
    await write("quick");
    // Also for a reader that comes in between, from either side.
    const between = await open({ lastEventId: stream.lastId()! });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect([stream.names(), between.names()]).toEqual([[], []]);
    commit();
    await slow;
    web.ctx.bus.emit("events.written", {});
    await expect.poll(stream.names, patient).toEqual(["slow", "quick"]);
    await expect.poll(between.names, patient).toEqual(["slow", "quick"]);
  });

  it("keep a slow reader's share in the table, and hold up nobody", async () => {
    const slow = await open({ paused: true });
    const quick = await open();
    await ready(quick);
    // More than sockets and the stream hold, in many transactions at the same time.
    const names = Array.from({ length: 40 }, (_, round) =>
      Array.from({ length: 250 }, (_unused, n) => `${round}-${n}-${"x".repeat(1_500)}`),
    );
    await Promise.all(
      names.map(
        (round) => web.ctx.sql`
        insert into events (organization_id, type, actor_kind, actor_id, actor_name, subject_kind, subject_id, subject_name, data)
        select ${organizationId}, 'server.online', 'system', 'system', 'DevFlow', 'server', 's', name, '{}' from unnest(${round}::text[]) name`,
      ),
    );
    web.ctx.bus.emit("events.written", {});
    await expect.poll(() => quick.received.length, { timeout: 60_000 }).toBe(10_000);
    slow.resume();
    await expect.poll(() => slow.received.length, { timeout: 60_000 }).toBe(10_000);
    expect(slow.names()).toEqual(quick.names());
    expect(new Set(slow.names()).size).toBe(10_000);
    await write("after");
    await expect.poll(() => slow.names().at(-1), patient).toBe("after");
  });

  /** Streams of one principal straight from the verb, with no socket between that holds anything. */
  const unread = async (count: number, options: { heartbeatMs?: number; hopelessMs?: number } = {}) => {
    const closing = new AbortController();
    ends.push(() => closing.abort());
    const follower = createFollower(web.ctx);
    const stream = createStreamEvents(web.ctx, { closing: closing.signal }, follower, options);
    const { identity } = (await web.api.auth.authenticate(new Headers({ authorization: `Bearer ${token}` }), {
      address: null,
      userAgent: null,
    }))!;
    const principal = principalOf(identity, null, "test");
    const readers: ReadableStreamDefaultReader<Uint8Array>[] = [];
    for (let n = 0; n < count; n++) {
      const body = await stream({ principal, identity, types: null, lastEventId: null, authenticate: async () => identity });
      const reader = body.getReader();
      // The first read begins the stream.
      await reader.read();
      readers.push(reader);
    }
    return readers;
  };
  const gaugeOf = async (name: string) => (await registry.getSingleMetric(name)!.get()).values[0]!.value;
  const writeMany = async (count: number, nameChars: number) => {
    await web.ctx.sql`
      insert into events (organization_id, type, actor_kind, actor_id, actor_name, subject_kind, subject_id, subject_name, data)
      select ${organizationId}, 'server.online', 'system', 'system', 'DevFlow', 'server', 's', repeat('x', ${nameChars}::int), '{}'
      from generate_series(1, ${count}::int)`;
    web.ctx.bus.emit("events.written", {});
  };

  it("hold a bounded part of what readers do not take", async () => {
    await unread(20);
    const quick = await open();
    await ready(quick);
    await writeMany(1_000, 2_000);
    await expect.poll(() => quick.received.length, patient).toBe(1_000);
    const held = await gaugeOf("devflow_event_stream_waiting_bytes");
    expect(held).toBeGreaterThan(20 * 2_000);
    // Each up to the bound and the one event that crosses it, of 2 MB that are theirs.
    expect(held).toBeLessThanOrEqual(20 * (maxWaitingBytes + 2_500));
  });

  it("tell a reader that takes nothing to come back, and cut it when it still takes nothing", async () => {
    const [late, never] = await unread(2, { heartbeatMs: 20, hopelessMs: 400 });
    await writeMany(200, 2_000);
    await expect.poll(() => gaugeOf("devflow_event_stream_waiting_bytes"), patient).toBeGreaterThan(2 * maxWaitingBytes - 1);
    // What waited is dropped for the word that it is to come back.
    await expect.poll(() => gaugeOf("devflow_event_stream_waiting_bytes"), { timeout: 60_000, interval: 20 }).toBeLessThan(1_000);
    const told = new TextDecoder().decode((await late!.read()).value);
    expect(told).toMatch(/^event: cut\ndata: \{"reason":"You took nothing for /);
    expect((await late!.read()).done).toBe(true);
    await expect.poll(() => gaugeOf("devflow_event_streams"), patient).toBe(0);
    await expect(never!.read()).rejects.toThrow(/took nothing/);
  });

  it("tell what is wanted and within reach only", async () => {
    const foreign = await web.organization();
    const [mine, theirs, ofType] = [
      await open(),
      await open({ token: await web.token("view", foreign) }),
      await open({ query: "?types=server.offline" }),
    ];
    await Promise.all([mine, theirs, ofType].map(ready));
    await insert(web.ctx.sql, "foreign", foreign);
    await write("own");
    await expect.poll(mine.names, patient).toEqual(["own"]);
    await expect.poll(theirs.names, patient).toEqual(["foreign"]);
    expect(ofType.names()).toEqual([]);
    const stolen = await open({ token: await web.token("view", foreign), lastEventId: mine.lastId()! });
    await expect.poll(() => stolen.received, patient).toEqual([{ id: null, name: "", kind: "missed" }]);
    expect((await web.ask("/api/v1/events/stream?types=all", { token })).status).toBe(422);
  });

  it("end at once when the token is revoked, and are bounded in number", async () => {
    const own = await web.token("view");
    const streams: Awaited<ReturnType<typeof open>>[] = [];
    for (let n = 0; n < 20; n++) streams.push(await open({ token: own }));
    await Promise.all(streams.map(ready));
    expect((await open({ token: own })).response.status).toBe(429);
    const other = await open();
    await ready(other);
    const [row] = await web.ctx.sql<{ id: string }[]>`select id from api_tokens where name = 'view' order by created_at desc limit 1`;
    await web.ask(`/api/v1/tokens/${row!.id}`, { method: "DELETE", token: await web.token("admin") });
    await expect.poll(() => streams.every((stream) => stream.isClosed()), { timeout: 1_000 }).toBe(true);
    expect(other.isClosed()).toBe(false);
  });

  it("start nothing for a HEAD request", async () => {
    const response = await fetch(`${web.origin}/api/v1/events/stream`, { method: "HEAD", headers: { authorization: `Bearer ${token}` } });
    expect(response.status).toBe(200);
    const { body } = await web.ask("/metrics", { token: await web.token("owner") });
    expect(body).toMatch(/devflow_event_streams \d/);
  });

  it("tell what happens once the answer has begun, however late it is read", async () => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await web.api.fetch(new Request(`${web.origin}/api/v1/events/stream`, { headers }));
    await write("at once");
    const reader = response.body!.getReader();
    ends.push(() => void reader.cancel());
    let text = "";
    const read = async () => {
      for (const decoder = new TextDecoder(); !text.includes('"at once"');) text += decoder.decode((await reader.read()).value);
    };
    await Promise.race([read(), new Promise((resolve) => setTimeout(resolve, 10_000))]);
    expect(text).toContain('"at once"');
  });

  it("find what nobody told this process of", async () => {
    const own = { ...web.ctx, bus: { ...web.ctx.bus, on: () => () => undefined } };
    const follower = createFollower(own);
    const names: string[] = [];
    let begun = false;
    follower.follow({
      organizationId,
      parts: [],
      types: null,
      after: null,
      ready: () => true,
      write: (row) => void names.push(row.subject.name),
      onBegin: () => (begun = true),
    });
    await expect.poll(() => begun, patient).toBe(true);
    await insert(web.ctx.sql, "untold");
    // What happened just before it began may come too.
    await expect.poll(() => names.at(-1), patient).toBe("untold");
    follower.close();
  });

  it("come over the live socket too", async () => {
    const socket = new WebSocket(`${web.origin.replace("http", "ws")}/api/v1/live`, { headers: { authorization: `Bearer ${token}` } });
    ends.push(() => socket.terminate());
    const messages: LiveServerMessage[] = [];
    socket.on("message", (data: Buffer) => messages.push(JSON.parse(data.toString()) as LiveServerMessage));
    socket.on("open", () => socket.send(JSON.stringify({ type: "subscribe", topic: "events" })));
    await expect.poll(() => messages, patient).toEqual([{ type: "subscribed", topic: "events" }]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await write("one", "two");
    const told = () => messages.flatMap((message) => (message.type === "events" ? message.events.map(({ subject }) => subject.name) : []));
    await expect.poll(told, patient).toEqual(["one", "two"]);
  });

  it("come over the live socket from the moment that the subscription is answered, however slow the database is", async () => {
    const own = await web.ctx.sql.reserve();
    const socket = new WebSocket(`${web.origin.replace("http", "ws")}/api/v1/live`, { headers: { authorization: `Bearer ${token}` } });
    ends.push(() => socket.terminate());
    const messages: LiveServerMessage[] = [];
    socket.on("message", (data: Buffer) => messages.push(JSON.parse(data.toString()) as LiveServerMessage));
    await new Promise((resolve) => socket.on("open", resolve));
    // Nobody else gets a connection to the database meanwhile.
    const held = await Promise.all(Array.from({ length: web.ctx.sql.options.max - 1 }, () => web.ctx.sql.reserve()));
    const release = () => held.splice(0).forEach((one) => one.release());
    socket.send(JSON.stringify({ type: "subscribe", topic: "events" }));
    const answered = () => messages.some(({ type }) => type === "subscribed");
    for (let waits = 0; !answered() && waits < 20; waits++) await new Promise((resolve) => setTimeout(resolve, 20));
    if (!answered()) release();
    await expect.poll(answered, patient).toBe(true);
    await insert(own as never, "just behind the answer");
    release();
    own.release();
    web.ctx.bus.emit("events.written", {});
    const told = () => messages.flatMap((message) => (message.type === "events" ? message.events.map(({ subject }) => subject.name) : []));
    await expect.poll(told, { timeout: 10_000 }).toContain("just behind the answer");
  });
});
