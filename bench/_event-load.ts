// What the parts of bench/events.ts share.
import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { processTree } from "@devflow/testkit";
import type { Sql } from "../controller/src/platform/db/index.ts";
import { usageOf } from "./_process-usage.ts";
import type { Running } from "./_web-controller.ts";

export const writers = 8;

export interface Bench {
  readonly controller: Running;
  readonly token: string;
  readonly sql: Sql;
  readonly postmaster: number;
  /** 1 for the full size. */
  readonly size: number;
  /** Changes the n-th writer's group once, one transaction with audit row and event; default a text of its own. */
  change(writer: number, description?: string): Promise<void>;
}

const agent = new Agent({ keepAlive: true });

/** Asks the controller by one of a few connections that stay open. Throws Error for any answer but 2xx. */
export function ask(bench: Pick<Bench, "controller" | "token">, method: string, path: string, body?: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${bench.token}`, ...(body !== undefined && { "content-type": "application/json" }) };
    const sent = request(bench.controller.url + path, { agent, method, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => void (text += chunk));
      answer.on("end", () => {
        const status = answer.statusCode ?? 0;
        if (status >= 200 && status < 300) resolve(text === "" ? null : JSON.parse(text));
        else reject(new Error(`${method} ${path}: ${status} ${text}`));
      });
    });
    sent.on("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** CPU seconds of the controller and of all processes of the database. */
export async function cpu({ controller, postmaster }: Bench): Promise<{ controller: number; database: number }> {
  const backends = await processTree(postmaster);
  const of = (pid: number): number => {
    try {
      return usageOf(pid).cpuSeconds;
    } catch {
      return 0; // Gone meanwhile.
    }
  };
  return { controller: of(controller.child.pid!), database: backends.reduce((sum, pid) => sum + of(pid), 0) };
}

/** Wall time and CPU time of some work that makes `count` of something. */
export async function cost(bench: Bench, work: () => Promise<number>) {
  const [before, begun] = [await cpu(bench), performance.now()];
  const count = await work();
  const took = (performance.now() - begun) / 1_000;
  const after = await cpu(bench);
  return {
    count,
    perSecond: Math.round(count / took),
    controllerCpuMsEach: ((after.controller - before.controller) * 1_000) / count,
    databaseCpuMsEach: ((after.database - before.database) * 1_000) / count,
  };
}

/** Makes changes by eight writers until there were so many. */
export async function changeOften(bench: Bench, times: number): Promise<void> {
  let left = times;
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      while (left-- > 0) await bench.change(writer);
    }),
  );
}

/** Makes so many changes a second, whatever they take. @param describe the n-th one's text @returns how many */
export async function changeSteadily(
  bench: Bench,
  { perSecond, seconds, describe }: { perSecond: number; seconds: number; describe: (n: number) => string },
): Promise<number> {
  const begun = performance.now();
  const underWay = new Set<Promise<void>>();
  let failure: Error | null = null;
  let n = 0;
  for (; n < perSecond * seconds; n++) {
    const waitMs = begun + (n * 1_000) / perSecond - performance.now();
    if (waitMs > 1) await delay(waitMs);
    const one: Promise<void> = bench.change(n, describe(n)).then(
      () => void underWay.delete(one),
      (error: unknown) => void (failure = error as Error),
    );
    underWay.add(one);
    if (failure !== null) throw failure as Error;
  }
  await Promise.all(underWay);
  return n;
}

/** Asks for a small list ten times a second while work is done: what others wait meanwhile. */
export async function meanwhile<T>(bench: Bench, work: () => Promise<T>): Promise<{ result: T; otherCallsMs: object }> {
  const took: number[] = [];
  let done = false;
  const asking = (async () => {
    while (!done) {
      const begun = performance.now();
      await ask(bench, "GET", "/api/v1/tags");
      took.push(performance.now() - begun);
      await delay(100);
    }
  })();
  try {
    return { result: await work(), otherCallsMs: spread(took) };
  } finally {
    done = true;
    await asking;
  }
}

export function spread(values: number[]): object {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round((sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN) * 10) / 10;
  return { p50: at(0.5), p99: at(0.99), most: at(1) };
}
