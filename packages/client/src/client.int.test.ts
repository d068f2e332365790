import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { freePorts } from "@devflow/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testWeb, type TestWeb } from "../../../controller/src/testing/web.ts";
import { createClient, type Client, type LiveMessage } from "./index.ts";

describe("the client against a controller", () => {
  let web: TestWeb;
  let client: Client;
  beforeAll(async () => {
    web = await testWeb();
    client = createClient({ url: web.origin, token: await web.token("owner") });
  });
  afterAll(() => web.close());

  it("reads, changes and deletes", async () => {
    const id = await web.server({ name: "reads" });
    const server = await client.get("/api/v1/servers/{id}", { path: { id } });
    expect([server.name, server.latest]).toEqual(["reads", null]);
    expect((await client.patch("/api/v1/servers/{id}", { path: { id }, body: { name: "renamed" } })).name).toBe("renamed");
    expect(await client.delete("/api/v1/servers/{id}", { path: { id } })).toBeUndefined();
    await expect(client.get("/api/v1/servers/{id}", { path: { id } })).rejects.toMatchObject({ code: "not_found", status: 404 });
  });

  it("follows a list over its pages", async () => {
    const made = await Promise.all(Array.from({ length: 5 }, (_, n) => web.server({ name: `page-${n}` })));
    const seen: string[] = [];
    for await (const server of client.list("/api/v1/servers", { query: { limit: 2, search: "page-" } })) seen.push(server.id);
    expect(seen.toSorted()).toEqual(made.toSorted());
  });

  it("gives errors their code, fields and request id", async () => {
    const id = await web.server();
    const wrong = await client.patch("/api/v1/servers/{id}", { path: { id }, body: { name: "<>" } }).catch((error: unknown) => error);
    expect(wrong).toMatchObject({ name: "DevFlowError", code: "invalid", status: 422, fields: [{ path: "name" }] });
    expect(wrong).toHaveProperty("requestId", expect.stringMatching(/^[0-9a-f-]{36}$/));
    const stranger = createClient({ url: web.origin, token: "devflow_api_wrong" });
    await expect(stranger.get("/api/v1/me")).rejects.toMatchObject({ code: "unauthenticated" });
    const viewer = createClient({ url: web.origin, token: await web.token("view") });
    await expect(viewer.post("/api/v1/tokens", { body: { name: "t", role: "view" } })).rejects.toMatchObject({ code: "forbidden" });
    const [port] = await freePorts(1);
    await expect(createClient({ url: `http://127.0.0.1:${port}` }).get("/healthz")).rejects.toMatchObject({
      code: "unreachable",
      message: `http://127.0.0.1:${port} cannot be reached: nothing listens there`,
    });
  });

  it("makes one token although the first answer was lost", async () => {
    // A proxy that lets the request through and answers 503 in its place, once.
    let lost = 0;
    const proxy: Server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        void fetch(web.origin + request.url, {
          method: request.method ?? "GET",
          headers: request.headers as Record<string, string>,
          body: Buffer.concat(chunks),
        }).then(async (answer) => {
          const text = await answer.text();
          response.statusCode = lost++ === 0 ? 503 : answer.status;
          response.setHeader("retry-after", "0").setHeader("content-type", "application/json").end(text);
        });
      });
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    const through = createClient({ url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, token: await web.token("owner") });
    const made = await through.post("/api/v1/tokens", { body: { name: "only once", role: "view" } });
    proxy.close();
    expect(lost).toBe(2);
    const names: string[] = [];
    for await (const token of client.list("/api/v1/tokens")) if (token.name === "only once") names.push(token.id);
    expect(names).toEqual([made.token.id]);
  });

  it("stops waiting for an answer that does not come", async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    await expect(createClient({ url, timeoutMs: 50 }).get("/healthz")).rejects.toMatchObject({ code: "timeout" });
    silent.closeAllConnections();
    silent.close();
  });

  it("follows live topics, and says when its token ended", async () => {
    const secret = await web.token("view");
    const live = createClient({ url: web.origin, token: secret });
    const received: LiveMessage[] = [];
    let ended: unknown;
    live.follow(["servers"], { onMessage: (message) => received.push(message), onEnd: (error) => (ended = error) });
    await expect.poll(() => received.map(({ type }) => type)).toEqual(["subscribed"]);
    const id = await web.server({ name: "live" });
    web.ctx.bus.emit("server.changed", { organizationId: web.ctx.installation.defaultOrganizationId, serverId: id });
    await expect.poll(() => received.at(-1), { timeout: 60_000 }).toMatchObject({ type: "servers", changed: [{ id, name: "live" }] });
    const token = (await live.get("/api/v1/me")).kind;
    expect(token).toBe("token");
    const [row] = await web.ctx.sql<{ id: string }[]>`select id from api_tokens where sha256 = encode(sha256(${secret}::bytea), 'hex')`;
    await client.delete("/api/v1/tokens/{id}", { path: { id: row!.id } });
    await expect.poll(() => ended, { timeout: 60_000 }).toMatchObject({ code: "unauthenticated" });
  });

  it("connects a live topic again by itself after the connection was lost", async () => {
    const states: string[] = [];
    const sockets = new Set<Socket>();
    const relay = createTcpServer((from) => {
      const to = connect(Number(new URL(web.origin).port), "127.0.0.1");
      for (const socket of [from, to]) {
        sockets.add(socket);
        socket.on("error", () => socket.destroy());
      }
      from.pipe(to).pipe(from);
    });
    await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
    const through = createClient({ url: `http://127.0.0.1:${(relay.address() as AddressInfo).port}`, token: await web.token("view") });
    const following = through.follow(["servers"], { onMessage: () => undefined, onState: (state) => states.push(state) });
    await expect.poll(() => states).toEqual(["open"]);
    sockets.forEach((socket) => socket.destroy());
    await expect.poll(() => states, { timeout: 60_000 }).toEqual(["open", "lost", "open"]);
    following.close();
    sockets.forEach((socket) => socket.destroy());
    relay.close();
  });
});
