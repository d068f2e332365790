import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ControllerProcess, startController } from "../controller-process.ts";

/** Clients that are slow, silent or many, on purpose. None of them closes; each sends from 127.0.0.1. */
describe("slow clients", () => {
  let controller: ControllerProcess;
  let web: number;
  const opened: Socket[] = [];
  beforeAll(async () => {
    controller = await startController();
    web = Number(new URL(controller.url).port);
  });
  afterAll(async () => {
    for (const socket of opened) socket.destroy();
    await controller?.stop();
  });

  const openTo = (port: number): Socket => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("error", () => socket.destroy());
    opened.push(socket);
    return socket;
  };
  const openTlsTo = async (port: number): Promise<Socket> => {
    const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, allowHalfOpen: true } as never);
    socket.on("error", () => socket.destroy());
    opened.push(socket);
    await once(socket, "secureConnect");
    return socket;
  };
  /** Sends a byte now and then, as long as the other end takes it. */
  const trickle = (socket: Socket, byte: string, everyMs: number) => {
    const drip = setInterval(() => (socket.writable ? socket.write(byte) : clearInterval(drip)), everyMs);
    socket.once("close", () => clearInterval(drip));
  };
  /** Sockets that the controller holds. */
  const held = () => {
    const folder = `/proc/${controller.pid()}/fd`;
    return readdirSync(folder).filter((fd) => {
      try {
        return readlinkSync(`${folder}/${fd}`).startsWith("socket:");
      } catch {
        // Closed meanwhile.
        return false;
      }
    }).length;
  };
  const rssMb = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${controller.pid()}/status`, "utf8"))![1]) / 1024;
  /** Somebody else, at another address. */
  const served = () =>
    new Promise<number>((resolve, reject) => {
      const asked = request(
        {
          port: web,
          host: "127.0.0.1",
          localAddress: "127.0.0.2",
          path: "/api/v1/servers",
          headers: { authorization: `Bearer ${controller.token}` },
          agent: false,
          timeout: 10_000,
        },
        (answer) => answer.resume().on("end", () => resolve(answer.statusCode ?? 0)),
      );
      asked.on("timeout", () => asked.destroy(new Error("no answer within 10 s")));
      asked.on("error", reject).end();
    });
  /** Whether no more than that many sockets are left within so many seconds; others are served meanwhile. */
  const backTo = async (count: number, seconds: number) => {
    for (const endMs = Date.now() + seconds * 1000; Date.now() < endMs; await sleep(1_000)) {
      expect(await served()).toBe(200);
      if (held() <= count) return true;
    }
    return false;
  };

  it("are cut in bounded time and memory, on every port, while others are served", { timeout: 240_000 }, async () => {
    expect(await served()).toBe(200);
    const [before, memoryMb] = [held(), rssMb()];
    const head = `Host: x\r\nAuthorization: Bearer ${controller.token}\r\n`;
    const page = await (await fetch(`${controller.url}/sign-in`)).text();
    const script = /"(\/_app\/immutable\/[^"]+\.js)"/.exec(page)![1]!;

    for (const port of [web, controller.enrolPort, controller.gatewayPort]) for (let i = 0; i < 20; i++) openTo(port);
    for (let i = 0; i < 20; i++) {
      // Heads, the one of an upgrade among them, a body, and records of a TLS handshake that never end.
      trickle(openTo(web), i % 2 ? "x" : "GET / HTTP/1.1\r\nX: y\r\n", 700);
      const upgrade = openTo(web);
      upgrade.write(`GET /api/v1/live HTTP/1.1\r\n${head}Connection: Upgrade\r\nUpgrade: websocket\r\n`);
      trickle(upgrade, "X: y\r\n", 900);
      const body = openTo(web);
      body.write("POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n");
      trickle(body, " ", 900);
      for (const port of [controller.enrolPort, controller.gatewayPort]) {
        const handshake = openTo(port);
        handshake.write(Buffer.of(22, 3, 1, 2, 0));
        trickle(handshake, "\x01", 700);
      }
      // Takes nothing of what it asked for many times over.
      const deaf = openTo(web);
      deaf.pause();
      deaf.write(`GET ${script} HTTP/1.1\r\n${head}\r\n`.repeat(200));
      // Asked once, and stays.
      openTo(web).write(`GET /healthz HTTP/1.1\r\n${head}\r\n`);
      // A socket that answers no ping.
      const silent = openTo(web);
      silent.pause();
      silent.write(
        `GET /api/v1/live HTTP/1.1\r\n${head}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}\r\n\r\n`,
      );
    }
    for (let i = 0; i < 10; i++) {
      // Past the handshake of the enrolment port: silent, trickling, half closed.
      await openTlsTo(controller.enrolPort);
      trickle(await openTlsTo(controller.enrolPort), "x", 700);
      (await openTlsTo(controller.enrolPort)).end();
      const asked = await openTlsTo(controller.enrolPort);
      asked.write("POST /v1/enrol HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 1000\r\n\r\n");
      trickle(asked, "x", 700);
    }
    await sleep(1_000);
    expect(held()).toBeGreaterThan(before + 150);
    // The asker's own connections and the database's come and go.
    expect(await backTo(before + 4, 150)).toBe(true);
    expect(rssMb() - memoryMb).toBeLessThan(100);
  });

  it("of one address are bounded, and keep nobody of another out", { timeout: 120_000 }, async () => {
    const before = held();
    const many: Socket[] = [];
    for (let i = 0; i < 2_300; i++) {
      many.push(openTo(web));
      if (i % 100 === 99) await sleep(20);
    }
    await sleep(1_000);
    const now = held() - before;
    expect(now).toBeGreaterThan(1_900);
    expect(now).toBeLessThanOrEqual(2_010);
    expect(many.filter((socket) => socket.destroyed || socket.readableEnded || socket.readyState !== "open").length).toBeGreaterThanOrEqual(
      290,
    );
    expect(await served()).toBe(200);
    expect(await backTo(before + 4, 40)).toBe(true);
  });
});
