import { createSocket, type Socket } from "node:dgram";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { decode, encode } from "dns-packet";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createTestCa } from "../rpc/pki.testkit.ts";
import { type TestContext, testContext } from "../../testing/context.ts";
import { createOutgoing, openLine, type Outgoing } from "./index.ts";

describe("requests for users", () => {
  let ctx: TestContext;
  let names: Socket;
  let outgoing: Outgoing;
  /** What the name server answers, by name; a list is answered one after the other, the last for good. */
  const answers = new Map<string, string[]>();
  const asked: string[] = [];

  beforeAll(async () => {
    ctx = await testContext();
    names = createSocket("udp4");
    names.on("message", (packet, from) => {
      const query = decode(packet);
      const [question] = query.questions ?? [];
      const found: string[] = [];
      if (question?.type === "A") {
        asked.push(question.name);
        const list = answers.get(question.name) ?? [];
        found.push(...((list.length > 1 ? list.shift() : list[0])?.split(" ") ?? []));
      }
      const reply = encode({
        type: "response",
        id: query.id ?? 0,
        flags: 0x8180,
        questions: query.questions ?? [],
        answers: found.map((data) => ({ type: "A" as const, name: question!.name, ttl: 0, data })),
      });
      names.send(reply, from.port, from.address);
    });
    await new Promise<void>((resolve) => names.bind(0, "127.0.0.1", resolve));
    outgoing = createOutgoing(ctx, { nameServers: [`127.0.0.1:${names.address().port}`] });
  });
  afterAll(async () => {
    names.close();
    await ctx.close();
  });

  const servers: Server[] = [];
  const hits: string[] = [];
  afterEach(async () => {
    hits.length = 0;
    asked.length = 0;
    answers.clear();
    for (const server of servers.splice(0)) {
      (server as ReturnType<typeof createServer>).closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
  const listen = async (
    address: string,
    answer: (request: IncomingMessage, response: ServerResponse) => void,
    port = 0,
    make: (handler: (request: IncomingMessage, response: ServerResponse) => void) => Server = createServer,
  ) => {
    const server = make((request, response) => {
      hits.push(`${address} ${request.headers.host}`);
      answer(request, response);
    });
    servers.push(server);
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, address, resolve));
    return (server.address() as AddressInfo).port;
  };
  const allow = (...allowed: string[]) =>
    ctx.sql`insert into settings (key, value) values ('outgoing', ${JSON.stringify({ allowed })}::text::jsonb)
      on conflict (key) do update set value = excluded.value`;
  const ok = (_: IncomingMessage, response: ServerResponse) => void response.end("fine");
  const get = (url: string, more: { timeoutMs?: number; plainToPublic?: boolean } = {}) =>
    outgoing.send({ url, method: "GET", headers: {}, plainToPublic: true, ...more });

  it("reach no address that was not allowed, however it is written", async () => {
    await allow();
    const port = await listen("127.0.0.1", ok);
    const refused = [
      `http://127.0.0.1:${port}`,
      `http://localhost:${port}`,
      `http://a.localhost:${port}`,
      `http://2130706433:${port}`,
      `http://0x7f.1:${port}`,
      `http://0177.0.0.1:${port}`,
      `http://0:${port}`,
      `http://[::1]:${port}`,
      `http://[::ffff:127.0.0.1]:${port}`,
      `http://[::ffff:7f00:1]:${port}`,
      "http://169.254.169.254/latest/meta-data/",
      "http://10.0.0.1/",
      `ftp://127.0.0.1:${port}`,
      "file:///etc/passwd",
      "nonsense",
      `http://user:secret@1.1.1.1/`,
    ];
    for (const url of refused) expect([url, await get(url).catch((error: { code: string }) => error.code)]).toEqual([url, "forbidden"]);
    expect(hits).toEqual([]);
  });

  it("reach what the administrator allowed, as soon as it is and no longer", async () => {
    const port = await listen("127.0.0.1", ok);
    await allow("127.0.0.0/8");
    expect(await get(`http://127.0.0.1:${port}/x?y=1`)).toMatchObject({ status: 200, body: "fine" });
    await allow("10.0.0.0/8");
    await expect(get(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({ code: "forbidden" });
  });

  it("look a name up for each request, and connect to the very address that was checked", async () => {
    await allow("127.0.0.2/32");
    const port = await listen("127.0.0.2", ok);
    await listen("127.0.0.1", ok, port);
    // Allowed at first, our own machine at every later look.
    answers.set("rebind.example.com", ["127.0.0.2", "127.0.0.1"]);
    const url = `http://rebind.example.com:${port}/`;
    expect(await get(url)).toMatchObject({ status: 200 });
    expect(asked).toEqual(["rebind.example.com"]);
    await expect(get(url)).rejects.toMatchObject({ code: "forbidden" });
    await expect(outgoing.check(url)).rejects.toMatchObject({ code: "forbidden" });
    expect(hits).toEqual([`127.0.0.2 rebind.example.com:${port}`]);
  });

  it("use a kept connection again only if it leads to what was checked for this request", async () => {
    await allow("127.0.0.2/32", "127.0.0.3/32");
    let connections = 0;
    const counting: typeof createServer = ((handler: (request: IncomingMessage, response: ServerResponse) => void) => {
      const server = createServer(handler);
      server.on("connection", () => void (connections += 1));
      return server;
    }) as never;
    const port = await listen("127.0.0.2", ok, 0, counting);
    await listen("127.0.0.3", ok, port, counting);
    await listen("127.0.0.1", ok, port, counting);
    answers.set("moves.example.com", ["127.0.0.2", "127.0.0.2", "127.0.0.3", "127.0.0.3", "127.0.0.1"]);
    const line = openLine();
    const send = () => outgoing.send({ url: `http://moves.example.com:${port}/`, method: "POST", headers: {}, body: "x", line });
    for (let n = 0; n < 4; n++) expect(await send()).toMatchObject({ status: 200, body: "fine" });
    expect(hits.map((hit) => hit.split(" ")[0])).toEqual(["127.0.0.2", "127.0.0.2", "127.0.0.3", "127.0.0.3"]);
    expect(connections).toBe(2);
    await expect(send()).rejects.toMatchObject({ code: "forbidden" });
    line.close();
  });

  it("go on by a new connection when the kept one was ended meanwhile, and give up when that is ended too", async () => {
    await allow("127.0.0.2/32");
    let answered = 0;
    const port = await listen("127.0.0.2", (request, response) => {
      // The second request on a connection finds it ended.
      if (answered++ % 2 === 1 || answered > 4) request.socket.destroy();
      else response.end("fine");
    });
    const line = openLine();
    const send = () => outgoing.send({ url: `http://127.0.0.2:${port}/`, method: "POST", headers: {}, body: "x", line });
    for (let n = 0; n < 2; n++) expect(await send()).toMatchObject({ status: 200 });
    await expect(send()).rejects.toMatchObject({ code: "unavailable" });
    line.close();
  });

  it("take of several addresses only those that may be", async () => {
    await allow("127.0.0.2/32");
    const port = await listen("127.0.0.2", ok);
    await listen("127.0.0.1", ok, port);
    answers.set("both.example.com", ["127.0.0.1 127.0.0.2"]);
    for (let n = 0; n < 5; n++) await get(`http://both.example.com:${port}/`);
    expect(hits).toEqual(Array.from({ length: 5 }, () => `127.0.0.2 both.example.com:${port}`));
  });

  it("follow no redirect", async () => {
    await allow("127.0.0.2/32");
    const inner = await listen("127.0.0.1", ok);
    const port = await listen("127.0.0.2", (_, response) => void response.writeHead(307, { location: `http://127.0.0.1:${inner}/` }).end());
    expect(await get(`http://127.0.0.2:${port}/`)).toMatchObject({ status: 307, headers: { location: `http://127.0.0.1:${inner}/` } });
    expect(hits).toHaveLength(1);
  });

  it("send nothing in the clear to public addresses unless asked to", async () => {
    await allow();
    await expect(get("http://1.1.1.1/", { plainToPublic: false })).rejects.toMatchObject({ code: "forbidden", message: /https/ });
    await expect(outgoing.check("https://1.1.1.1/")).resolves.toBeUndefined();
  });

  it("want a certificate of the name", async () => {
    await allow("127.0.0.2/32");
    const server = await (await createTestCa()).issue("tls.example.com", "server");
    const port = await listen("127.0.0.2", ok, 0, (handler) => createTlsServer({ key: server.keyPem, cert: server.certPem }, handler));
    answers.set("tls.example.com", ["127.0.0.2"]);
    await expect(get(`https://tls.example.com:${port}/`)).rejects.toMatchObject({ code: "unavailable", message: /certificate/ });
    expect(hits).toEqual([]);
  });

  it("bound an answer's body, and end with the time that they have", async () => {
    await allow("127.0.0.2/32");
    const huge = await listen("127.0.0.2", (_, response) => {
      response.on("error", () => undefined);
      const chunk = Buffer.alloc(65_536, "x");
      const go = () => void (response.destroyed || response.write(chunk, () => setImmediate(go)));
      go();
    });
    const { body } = await get(`http://127.0.0.2:${huge}/`);
    expect(body).toHaveLength(16_384);
    const silent = await listen("127.0.0.2", () => undefined);
    await expect(get(`http://127.0.0.2:${silent}/`, { timeoutMs: 200 })).rejects.toMatchObject({ code: "timeout" });
    const drip = await listen("127.0.0.2", (_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write("."), 20);
      response.on("close", () => clearInterval(timer));
    });
    const dripped = await get(`http://127.0.0.2:${drip}/`, { timeoutMs: 300 });
    expect(dripped).toMatchObject({ status: 200, body: /^\.+$/ });
  });

  it("say in words why there is no answer", async () => {
    await allow("127.0.0.0/8");
    const early = await listen("127.0.0.2", (request) => request.socket.destroy());
    await expect(get(`http://127.0.0.2:${early}/`)).rejects.toMatchObject({ code: "unavailable", message: /closed before/ });
    const [gone] = servers.splice(0);
    await new Promise((resolve) => gone!.close(resolve));
    await expect(get(`http://127.0.0.2:${early}/`)).rejects.toMatchObject({ message: /refused/ });
    await expect(get("http://nothing.example.com/")).rejects.toMatchObject({ message: "The name nothing.example.com has no address" });
  });
});
