import { type IncomingMessage, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { apiClient } from "@devflow/testkit";
import { WebSocket } from "ws";
import { ask, type Bench, changeSteadily, cost, meanwhile, spread } from "./_event-load.ts";
import { usageOf } from "./_process-usage.ts";

const perSecond = 50;
/** Every so manieth stream notes when what arrived; the others are read only. */
const watchedEvery = 10;
const perToken = 20;

const rssMb = ({ controller }: Bench) => usageOf(controller.child.pid!).rssMb;

/** 1,000 streams and a socket that read, at 50 events a second. */
export async function streams(bench: Bench): Promise<object> {
  const count = Math.round(1_000 * bench.size);
  const before = rssMb(bench);
  const begunAt = new Map<string, number>();
  const lags: number[] = [];
  const lagsBySocket: number[] = [];
  const open: IncomingMessage[] = [];
  await openStreams(bench, count, (stream, n) => {
    open.push(stream);
    if (n % watchedEvery !== 0) return void stream.resume();
    stream.setEncoding("latin1").on("data", (text: string) => {
      for (const [, description] of text.matchAll(/"after":\{"description":"(s\d+)"/g))
        lags.push(performance.now() - begunAt.get(description!)!);
    });
  });
  await delay(1_000);
  const opened = rssMb(bench);
  const idle = await cost(bench, () => delay(3_000, 3));
  const stopFollowing = await apiClient(bench.controller.url, bench.token).follow("events", (message) => {
    for (const [, description] of JSON.stringify(message).matchAll(/"after":\{"description":"(s\d+)"/g))
      lagsBySocket.push(performance.now() - begunAt.get(description!)!);
  });
  const seconds = 12;
  let most = 0;
  const watching = setInterval(() => void (most = Math.max(most, rssMb(bench))), 250);
  const watched = Math.ceil(count / watchedEvery);
  const { result, otherCallsMs } = await meanwhile(bench, () =>
    cost(bench, async () => {
      const events = await changeSteadily(bench, {
        perSecond,
        seconds,
        describe: (n) => {
          begunAt.set(`s${n}`, performance.now());
          return `s${n}`;
        },
      });
      const end = performance.now() + 10_000;
      while (lags.length < events * watched && performance.now() < end) await delay(10);
      return events;
    }),
  ).finally(() => clearInterval(watching));
  stopFollowing();
  for (const stream of open) stream.destroy();
  return {
    streams: count,
    rssMb: { before, opened, most },
    rssKbEach: ((opened - before) * 1_024) / count,
    idleControllerCpuShare: idle.controllerCpuMsEach / 1_000,
    events: result.count,
    arrivedShare: lags.length / (result.count * watched),
    lagMs: spread(lags),
    socketLagMs: spread(lagsBySocket),
    controllerCpuShare: (result.controllerCpuMsEach * result.perSecond) / 1_000,
    controllerCpuUsEachSent: (result.controllerCpuMsEach * 1_000) / count,
    otherCallsMs,
  };
}

/** 100 streams and 100 sockets that never read, for a minute of 50 events a second of 2 kB each. */
export async function unread(bench: Bench): Promise<object> {
  const each = Math.round(100 * bench.size);
  const open: (() => void)[] = [];
  const before = rssMb(bench);
  await openStreams(bench, each, (stream) => {
    // Paused: nobody listens to "data".
    open.push(() => stream.destroy());
  });
  for (let n = 0; n < each;) {
    const token = await newToken(bench, `u${n}`);
    for (let i = 0; i < perToken && n < each; i++, n++) {
      const socket = new WebSocket(`${bench.controller.url.replace("http", "ws")}/api/v1/live`, {
        headers: { authorization: `Bearer ${token}` },
      });
      await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
      socket.on("error", () => "the bench ended it, or the controller");
      socket.send(JSON.stringify({ type: "subscribe", topic: "events" }));
      socket.pause();
      open.push(() => socket.terminate());
    }
  }
  await delay(1_000);
  const opened = rssMb(bench);
  let most = 0;
  const watching = setInterval(() => void (most = Math.max(most, rssMb(bench))), 250);
  const work = await cost(bench, () =>
    changeSteadily(bench, { perSecond, seconds: 60, describe: (n) => `${n} ${"x".repeat(480)}` }),
  ).finally(() => clearInterval(watching));
  const after = rssMb(bench);
  const metrics = await (await fetch(`${bench.controller.url}/metrics`, { headers: { authorization: `Bearer ${bench.token}` } })).text();
  for (const end of open) end();
  return {
    streams: each,
    sockets: each,
    events: work.count,
    rssMb: { before, opened, most, after },
    cut: [...metrics.matchAll(/^devflow_readers_cut_total.*$/gm)].map(([line]) => line).join("; "),
  };
}

const newToken = async (bench: Bench, name: string): Promise<string> =>
  ((await ask(bench, "POST", "/api/v1/tokens", { name, role: "view" })) as { secret: string }).secret;

async function openStreams(bench: Bench, count: number, each: (stream: IncomingMessage, n: number) => void): Promise<void> {
  for (let n = 0; n < count;) {
    const token = await newToken(bench, `s${n}`);
    for (let i = 0; i < perToken && n < count; i++, n++) each(await follow(bench.controller.url, token), n);
  }
}

function follow(url: string, token: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/api/v1/events/stream`, { agent: false, headers: { authorization: `Bearer ${token}` } });
    sent.on("response", (answer) => {
      answer.on("error", () => "the bench ended it");
      if (answer.statusCode === 200) resolve(answer);
      else reject(new Error(`a stream answered ${answer.statusCode}`));
    });
    sent.on("error", reject);
    sent.end();
  });
}
