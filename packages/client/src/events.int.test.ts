import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testWeb, type TestWeb } from "../../../controller/src/testing/web.ts";
import { createClient, type EventsOptions, type TypedEvent } from "./index.ts";

describe("client.events.follow", () => {
  let web: TestWeb;
  let owner: string;
  let sockets: Set<Socket>;
  let relay: ReturnType<typeof createServer>;
  let through: string;
  beforeAll(async () => {
    web = await testWeb();
    owner = await web.token("owner");
    sockets = new Set();
    // Connections can be cut in it.
    relay = createServer((from) => {
      const to = connect(Number(new URL(web.origin).port), "127.0.0.1");
      for (const socket of [from, to]) {
        sockets.add(socket);
        socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket));
      }
      from.pipe(to).pipe(from);
    });
    await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
    through = `http://127.0.0.1:${(relay.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    sockets.forEach((socket) => socket.destroy());
    relay.close();
    await web.close();
  });

  /** Something that happens: a group is made. */
  const happen = async (name: string) => {
    const { status } = await web.ask("/api/v1/groups", { method: "POST", token: owner, json: { name } });
    expect(status).toBe(201);
  };
  /** Follows until stop(). */
  const follow = (options: EventsOptions, token = owner) => {
    const stop = new AbortController();
    const seen: TypedEvent[] = [];
    const states: string[] = [];
    const done = (async () => {
      const client = createClient({ url: through, token });
      for await (const event of client.events.follow({ ...options, signal: stop.signal, onState: (state) => states.push(state) }))
        seen.push(event);
    })();
    const names = () => seen.map(({ subject }) => subject.name);
    return { seen, names, states, done, stop: () => (stop.abort(), done) };
  };
  const cut = () => sockets.forEach((socket) => socket.destroy());

  it("gives what happens, each once and in order, over a cut connection too", async () => {
    const { names, states, stop } = follow({ types: ["group.created"] });
    await expect.poll(() => states).toEqual(["open"]);
    await happen("one");
    await expect.poll(names).toEqual(["one"]);
    cut();
    await happen("two");
    await happen("three");
    await expect.poll(names, { timeout: 10_000 }).toEqual(["one", "two", "three"]);
    expect(states).toEqual(["open", "lost", "open"]);
    await stop();
  });

  it("misses nothing although it was cut before the first event", async () => {
    const { names, states, stop } = follow({ types: ["group.created"] });
    await expect.poll(() => states).toEqual(["open"]);
    // The id at which the stream began has arrived.
    await new Promise((resolve) => setTimeout(resolve, 300));
    cut();
    await happen("early");
    await expect.poll(names, { timeout: 10_000 }).toEqual(["early"]);
    await stop();
  });

  it("goes on behind an event, and from a time", async () => {
    const since = new Date();
    for (const name of ["a", "b", "c"]) await happen(name);
    const timed = follow({ types: ["group.created"], since });
    await expect.poll(timed.names).toEqual(["a", "b", "c"]);
    const [first] = timed.seen;
    await timed.stop();
    const behind = follow({ types: ["group.created"], since: first!.id });
    await expect.poll(behind.names).toEqual(["b", "c"]);
    await behind.stop();
  });

  it("says when events are gone that were asked for", async () => {
    const gone = "00000000-0000-4000-8000-000000000000";
    await expect(follow({ since: gone }).done).rejects.toMatchObject({ code: "missed" });
    let missed = 0;
    const { names, states, stop } = follow({ since: gone, types: ["group.created"], onMissed: () => (missed += 1) });
    await expect.poll(() => [missed, states]).toEqual([1, ["open"]]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await happen("after");
    await expect.poll(names).toEqual(["after"]);
    await stop();
  });

  it("ends with an error when trying again is of no use", async () => {
    await expect(follow({}, "devflow_api_wrong").done).rejects.toMatchObject({ code: "unauthenticated" });
    await expect(follow({ types: ["no.such" as never] }).done).rejects.toMatchObject({ code: "invalid" });
    const secret = await web.token("view");
    const ended = follow({}, secret);
    await expect.poll(() => ended.states).toEqual(["open"]);
    const [row] = await web.ctx.sql<{ id: string }[]>`select id from api_tokens where sha256 = encode(sha256(${secret}::bytea), 'hex')`;
    expect((await web.ask(`/api/v1/tokens/${row!.id}`, { method: "DELETE", token: owner })).status).toBe(204);
    await expect(ended.done).rejects.toMatchObject({ code: "unauthenticated" });
  });

  it("lets its connection go when the reader has enough", async () => {
    const client = createClient({ url: through, token: owner });
    const since = new Date();
    await happen("enough");
    for await (const event of client.events.follow({ since, types: ["group.created"] })) {
      expect(event.subject.name).toBe("enough");
      break;
    }
    const open = async () => /^devflow_event_streams (\d+)$/m.exec((await web.ask("/metrics", { token: owner })).body as string)?.[1];
    await expect.poll(open).toBe("0");
  });

  it("gives a large answer piece by piece", async () => {
    const client = createClient({ url: through, token: owner });
    const decoder = new TextDecoder();
    let text = "";
    for await (const piece of client.download("/api/v1/audit/export", { query: { format: "csv" } }))
      text += decoder.decode(piece, { stream: true });
    expect(text).toMatch(/^sequence,/);
    await expect(
      (async () => {
        for await (const _ of createClient({ url: through, token: "devflow_api_x" }).download("/api/v1/audit/export"));
      })(),
    ).rejects.toMatchObject({ code: "unauthenticated" });
  });
});
