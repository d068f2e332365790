import { once } from "node:events";
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { apiClient, type LiveMessage } from "@devflow/testkit";
import { type RunningAgents, startAgents } from "../../agent/src/synthetic-agents.ts";
import { loadTaskSigningKey } from "../../controller/src/platform/crypto/index.ts";
import { type ControllerProcess, startController } from "../controller-process.ts";
import { type ExternalPostgres, startExternalPostgres } from "../external-postgres.ts";
import { startSwitchboard, type Switchboard } from "../switchboard.ts";

const email = "ada@example.com";
const password = "three plain words here";

/** Well above what it takes, well below the looks every 15 and 20 s that would notice without being told. */
const soon = { timeout: 5_000, interval: 20 };

describe("two controllers on one database", () => {
  let postgres: ExternalPostgres;
  let board: Switchboard;
  const controllers: ControllerProcess[] = [];
  let agents: RunningAgents | null = null;
  beforeEach(async () => {
    postgres = await startExternalPostgres();
    board = await startSwitchboard();
  });
  afterEach(async () => {
    await agents?.stop();
    await board.close();
    for (const controller of controllers.splice(0).toReversed()) await controller.stop();
    await postgres.remove();
    agents = null;
  });

  const env = () => ({ ...postgres.env, DEVFLOW_ADMIN_EMAIL: email, DEVFLOW_ADMIN_PASSWORD: password });
  const first = async (count: number, roles?: string) => {
    const controller = await startController({ agents: count, env: { ...env(), ...(roles !== undefined && { DEVFLOW_ROLES: roles }) } });
    controllers.push(controller);
    return controller;
  };
  const beside = async (other: ControllerProcess, roles?: string) => {
    const controller = await startController({ beside: other, env: { ...env(), ...(roles !== undefined && { DEVFLOW_ROLES: roles }) } });
    controllers.push(controller);
    return controller;
  };
  /** Agents that dial the switchboard. */
  const dial = async (of: ControllerProcess, to: ControllerProcess) => {
    board.lead(to.gatewayPort);
    agents = await startAgents({
      count: of.identities.length,
      target: {
        controllerHost: "127.0.0.1",
        gatewayPort: board.port,
        gatewayName: of.gatewayName,
        caPem: of.caPem,
        identity: async (index) => of.identities[index]!,
      },
      intervalMs: 1_000,
    });
    await expect.poll(() => agents!.connected(), { timeout: 30_000 }).toBe(of.identities.length);
  };
  const request = (at: ControllerProcess, method: string, path: string, headers: Record<string, string> = {}, body?: object) =>
    fetch(`${at.url}${path}`, {
      method,
      headers: {
        ...(headers["cookie"] === undefined ? { authorization: `Bearer ${at.token}` } : { origin: at.url }),
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const open = async (at: ControllerProcess, headers: Record<string, string>) => {
    const socket = new WebSocket(`${at.url.replace("http", "ws")}/api/v1/live`, { headers });
    await once(socket, "open");
    const ended = { code: 0 };
    socket.on("close", (code) => (ended.code = code));
    return ended;
  };
  const metric = async (at: ControllerProcess, name: string) => {
    const text = await (await request(at, "GET", "/metrics")).text();
    return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
  };
  const stateOf = async (at: ControllerProcess, id: string) => (await at.api.get<{ state: string }>(`/api/v1/servers/${id}`)).state;
  /** Reads a server's state all the time, until the answer is called: all that it was. */
  const watchState = (at: ControllerProcess, id: string): (() => Promise<string[]>) => {
    const states = new Set<string>();
    let done = false;
    const reading = (async () => {
      for (; !done; await sleep(50)) states.add(await stateOf(at, id));
    })();
    return async () => {
      done = true;
      await reading;
      return [...states];
    };
  };
  const took = async (what: string, done: Promise<unknown>) => {
    const began = performance.now();
    await done;
    console.log(JSON.stringify({ what, ms: Math.round(performance.now() - began) }));
  };

  it("a session and a token that end at one end at the other, while its listening connection is lost too", async () => {
    const a = await first(0);
    const b = await beside(a);
    const signIn = async () => {
      const answer = await request(a, "POST", "/api/v1/session", { cookie: "" }, { email, password });
      expect(answer.status).toBe(200);
      return answer.headers
        .getSetCookie()
        .map((value) => value.split(";", 1)[0])
        .join("; ");
    };
    const cookie = await signIn();
    const made = (await (
      await request(a, "POST", "/api/v1/tokens", { cookie: await signIn() }, { name: "robot", role: "view" })
    ).json()) as { secret: string; token: { id: string } };
    const bearer = { authorization: `Bearer ${made.secret}` };
    // Known to B by now, which would answer from memory.
    const [ofSession, ofToken, bystander] = [
      await open(b, { cookie, origin: b.url }),
      await open(b, bearer),
      await open(b, { authorization: `Bearer ${b.token}` }),
    ];
    expect((await request(b, "GET", "/api/v1/servers", bearer)).status).toBe(200);

    expect((await request(a, "DELETE", "/api/v1/session", { cookie })).ok).toBe(true);
    await took("session ended at A → socket closed at B", expect.poll(() => ofSession.code, soon).toBe(4401));
    expect((await request(b, "GET", "/api/v1/me", { cookie })).status).toBe(401);

    const sql = await a.sql();
    const end = sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'devflow bus'`;
    const [revoked] = await Promise.all([request(a, "DELETE", `/api/v1/tokens/${made.token.id}`), end]);
    expect(revoked.status).toBeLessThan(300);
    await took("token revoked at A, B's LISTEN ended → socket closed at B", expect.poll(() => ofToken.code, soon).toBe(4401));
    expect((await request(b, "GET", "/api/v1/servers", bearer)).status).toBe(401);
    expect(bystander.code).toBe(0);
    await sql.end();
  });

  it("a stolen token that is revoked loses its socket and its stream within a second, at both", async () => {
    const a = await first(0);
    const b = await beside(a);
    const made = (await (await request(a, "POST", "/api/v1/tokens", {}, { name: "stolen", role: "view" })).json()) as {
      secret: string;
      token: { id: string };
    };
    const stolen = { authorization: `Bearer ${made.secret}` };
    /** Reads events until the stream ends. */
    const stream = async (at: ControllerProcess, headers: Record<string, string>) => {
      const abort = new AbortController();
      const answer = await fetch(`${at.url}/api/v1/events/stream`, { headers, signal: abort.signal });
      expect([answer.status, answer.headers.get("content-type")?.split(";")[0]]).toEqual([200, "text/event-stream"]);
      const state = { ended: false, stop: () => abort.abort() };
      const reader = answer.body!.getReader();
      const read = async (): Promise<void> => ((await reader.read()).done ? undefined : read());
      void read()
        .catch(() => undefined)
        .finally(() => (state.ended = true));
      return state;
    };
    const sockets = [await open(a, stolen), await open(b, stolen)];
    const streams = [await stream(a, stolen), await stream(b, stolen)];
    const bystanders = [await stream(a, { authorization: `Bearer ${a.token}` }), await stream(b, { authorization: `Bearer ${b.token}` })];
    expect((await request(a, "DELETE", `/api/v1/tokens/${made.token.id}`)).status).toBe(204);
    await took(
      "token revoked at A → its sockets and streams closed at A and B",
      expect
        .poll(() => [...sockets.map(({ code }) => code), ...streams.map(({ ended }) => ended)], { timeout: 1_000, interval: 10 })
        .toEqual([4401, 4401, true, true]),
    );
    for (const at of [a, b]) expect((await request(at, "GET", "/api/v1/events/stream", stolen)).status).toBe(401);
    expect(bystanders.map(({ ended }) => ended)).toEqual([false, false]);
    for (const { stop } of bystanders) stop();
  });

  it("a server that is revoked at one loses its connection to the other", async () => {
    const a = await first(2);
    const b = await beside(a);
    await dial(a, b);
    expect([await metric(a, "devflow_agents_connected"), await metric(b, "devflow_agents_connected")]).toEqual([0, 2]);
    const [revoked, other] = [a.identities[0]!.agentId, a.identities[1]!.agentId];
    expect((await request(a, "POST", `/api/v1/servers/${revoked}/revoke`)).ok).toBe(true);
    await took(
      "server revoked at A → connection ended at B",
      expect.poll(() => metric(b, "devflow_agents_connected"), { ...soon, interval: 50 }).toBe(1),
    );
    expect([await stateOf(a, revoked), await stateOf(b, revoked), await stateOf(b, other)]).toEqual(["revoked", "revoked", "online"]);
    // It may dial again as often as it likes.
    await sleep(3_000);
    expect(await metric(b, "devflow_agents_connected")).toBe(1);
    // A change at one is seen in the list of who looks at the other.
    const names: string[] = [];
    const stop = await apiClient(a.url, a.token).follow(
      "servers",
      (message: LiveMessage & { changed?: { id: string; name: string }[] }) => {
        for (const server of message.changed ?? []) if (server.id === other) names.push(server.name);
      },
    );
    expect((await request(b, "PATCH", `/api/v1/servers/${other}`, {}, { name: "renamed at B" })).status).toBe(200);
    await expect.poll(() => names, soon).toContain("renamed at B");
    stop();
  });

  it("a server moves between gateways without being shown offline, and its live seconds follow", async () => {
    const a = await first(1);
    const b = await beside(a);
    const id = a.identities[0]!.agentId;
    await dial(a, b);
    const frames: number[] = [];
    const stopFrames = await a.api.follow(`server:${id}`, (message) => message.type === "frame" && frames.push(message.timeMs ?? 0));
    await expect.poll(() => frames.length, { timeout: 60_000 }).toBeGreaterThan(4);
    const gaps = frames.slice(1).map((time, at) => time - frames[at]!);
    expect(Math.max(...gaps), `frames of a server at B, seen at A: ${gaps.join()}`).toBeLessThan(2_500);

    // Past the first 30 s, in which no gateway calls anybody offline anyway.
    await sleep(31_000);
    // The old connection stays half open: B must hear that its agent is at A now, and must not call it offline.
    board.lead(a.gatewayPort);
    board.hang();
    await took(
      "agent at A while its connection to B hangs",
      expect.poll(() => metric(a, "devflow_agents_connected"), { timeout: 60_000 }).toBe(1),
    );
    const moved = watchState(a, id);
    await took("B lets go of it", expect.poll(() => metric(b, "devflow_agents_connected"), soon).toBe(0));
    const before = frames.length;
    await expect.poll(() => frames.length, { timeout: 60_000 }).toBeGreaterThan(before + 2);
    expect(await moved()).toEqual(["online"]);
    // Back to B, by a connection that is ended rather than lost.
    board.lead(b.gatewayPort);
    board.cut();
    await expect.poll(() => metric(b, "devflow_agents_connected"), { timeout: 30_000 }).toBe(1);
    await expect.poll(() => stateOf(a, id), soon).toBe("online");
    // The gateway that holds it is killed.
    const killed = watchState(a, id);
    board.lead(a.gatewayPort);
    await b.end("SIGKILL");
    await expect.poll(() => metric(a, "devflow_agents_connected"), { timeout: 30_000 }).toBe(1);
    const atA = frames.length;
    await expect.poll(() => frames.length, { timeout: 60_000 }).toBeGreaterThan(atA + 2);
    await expect.poll(() => metric(a, "devflow_controllers"), { timeout: 70_000 }).toBe(1);
    expect(await killed()).toEqual(["online"]);
    stopFrames();
  }, 300_000);

  it("web, gateway and worker run as processes of their own", async () => {
    const gateway = await first(1, "gateway,signer");
    const web = await beside(gateway, "web");
    const worker = await beside(gateway, "worker");
    const id = gateway.identities[0]!.agentId;
    await dial(gateway, gateway);
    const frames: LiveMessage[] = [];
    const stop = await web.api.follow(`server:${id}`, (message) => message.type === "frame" && frames.push(message));
    await expect.poll(() => frames.length, { timeout: 60_000 }).toBeGreaterThan(2);
    expect(await stateOf(web, id)).toBe("online");
    await expect
      .poll(async () => (await web.api.get<{ latest: object | null }>(`/api/v1/servers/${id}`)).latest, { timeout: 30_000 })
      .not.toBeNull();
    expect((await request(web, "POST", `/api/v1/servers/${id}/revoke`)).ok).toBe(true);
    await expect.poll(() => agents!.connected(), soon).toBe(0);
    for (const [controller, port] of [
      [gateway, gateway.url],
      [worker, worker.url],
    ] as const) {
      expect(controller.pid()).toBeGreaterThan(0);
      await expect(fetch(`${port}/healthz`)).rejects.toThrow("fetch failed");
    }
    // A gateway that is killed takes no watcher with it, and one that comes back is found.
    await gateway.end("SIGKILL");
    await gateway.start();
    await expect.poll(() => metric(web, "devflow_controllers"), { timeout: 70_000 }).toBe(3);
    stop();
  });

  it("keys that differ refuse to start, and say what to do", async () => {
    const a = await first(0);
    const strange = { ...postgres.env, DEVFLOW_SECRET_KEY: randomBytes(32).toString("base64") };
    await expect(startController({ beside: a, env: strange })).rejects.toThrow(/not the master key that this database was made with/);
    const without = { ...a, dataDir: join(a.dataDir, "without") };
    await mkdir(join(without.dataDir, "keys"), { recursive: true });
    await expect(startController({ beside: without, env: env() })).rejects.toThrow(
      /task-signing.pem is not there. Copy keys\/task-signing.pem from the data folder of a controller .* \(mode 600\)/,
    );
    await loadTaskSigningKey({ dataDir: without.dataDir });
    await expect(startController({ beside: without, env: env() })).rejects.toThrow(/task-signing.pem is another one/);
  });
});
