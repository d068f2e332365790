import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { ask, type Bench, changeOften, cost, meanwhile, spread } from "./_event-load.ts";

const count = 50;
const hanging = 10;
const failing = 10;
/** After so long without a delivery it is over. */
const patienceMs = 5_000;
/** What one burst may take; what did not arrive by then is told. */
const longestMs = 45_000;

/**
 * 50 webhooks at a receiver here: one event at a time, then many at once; the same with fewer events, at first with all
 * endpoints well, then with 10 that never answer and 10 that answer 500.
 */
export async function webhooks(bench: Bench): Promise<object> {
  const events = Math.round(1_000 * bench.size);
  const fewer = Math.round(200 * bench.size);
  const arrived = Array.from({ length: count }, () => [] as string[]);
  let newestAtMs = 0;
  let sick = false;
  const receiver = createServer((received, answer) => {
    const n = Number(received.url!.slice(1));
    received.resume();
    received.on("end", () => {
      if (sick && n < hanging) return;
      if (sick && n < hanging + failing) return void answer.writeHead(500).end();
      arrived[n]!.push(String(received.headers["webhook-id"]));
      newestAtMs = performance.now();
      answer.end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  // The administrator's session sets this; here the row itself.
  await bench.sql`insert into settings (key, value) values ('outgoing', ${bench.sql.json({ allowed: ["127.0.0.0/8"] })})`;
  const made: string[] = [];
  for (let n = 0; n < count; n++) {
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/${n}`;
    const answer = await ask(bench, "POST", "/api/v1/webhooks", { name: `w${n}`, url, types: ["group.updated"] });
    made.push((answer as { webhook: { id: string } }).webhook.id);
  }
  const total = (from: number) => arrived.slice(from).reduce((sum, list) => sum + list.length, 0);
  /** Many events at once, until those from the n-th webhook on have all of them. */
  const burst = async (many: number, from: number) => {
    const before = total(from);
    const due = (count - from) * many;
    const came = () => total(from) - before;
    const { result, otherCallsMs } = await meanwhile(bench, () =>
      cost(bench, async () => {
        const begun = performance.now();
        newestAtMs = begun;
        await changeOften(bench, many);
        const goesOn = () => performance.now() < Math.min(newestAtMs + patienceMs, begun + longestMs);
        while (came() < due && goesOn()) await delay(10);
        return came();
      }),
    );
    const doubles = arrived.slice(from).reduce((sum, list) => sum + list.length - new Set(list).size, 0);
    return { events: many, due, ...result, doubles, otherCallsMs };
  };

  const latencies: number[] = [];
  for (let i = 0; i < 10; i++) {
    const [begun, before] = [performance.now(), total(0)];
    await bench.change(0);
    while (total(0) < before + count) await delay(1);
    latencies.push(newestAtMs - begun);
    await delay(200);
  }
  const quiet = await meanwhile(bench, () => delay(2_000));
  const allWell = await burst(events, 0);
  const control = await burst(fewer, 0);
  sick = true;
  const someDead = await burst(fewer, hanging + failing);
  for (const id of made) await ask(bench, "DELETE", `/api/v1/webhooks/${id}`);
  receiver.closeAllConnections();
  receiver.close();
  // What the healthy 30 got a second: in the control run they share with the 20 that are dead later.
  const before = control.perSecond * ((count - hanging - failing) / count);
  return {
    webhooks: count,
    oneEventAtAllMs: spread(latencies),
    otherCallsWhenQuietMs: quiet.otherCallsMs,
    allWell,
    control,
    someDead,
    healthyOfBefore: someDead.perSecond / before,
  };
}
