import { Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { testWeb, type TestWeb } from "../../testing/web.ts";

/**
 * How often a change waits for the database, by route: what is asked without waiting for an answer in between counts
 * once. More than before want a reason.
 */
const roundTrips: Record<string, number> = {
  // Where it is; BEGIN with the row's lock; the change; audit row and event; COMMIT; the answer.
  "PATCH /api/v1/servers/{id}": 6,
  // Beside these, whether the name is free.
  "PATCH /api/v1/groups/{id}": 7,
  // BEGIN with how many there are; the tag; audit row; COMMIT; the answer.
  "POST /api/v1/tags": 5,
};

/** Counts what is written to the database after it was heard. */
function countRoundTrips(): { count: () => number } {
  const heard = new WeakMap<Socket, boolean>();
  let count = 0;
  const write = Reflect.get(Socket.prototype, "write");
  vi.spyOn(Socket.prototype, "write").mockImplementation(function (this: Socket, ...args) {
    const [chunk] = args;
    // Parse, Bind or Query of PostgreSQL's protocol; HTTP is written as text.
    if (chunk instanceof Uint8Array && "PBQ".includes(String.fromCharCode(chunk[0]!))) {
      if (!heard.has(this)) this.on("data", () => heard.set(this, true));
      if (heard.get(this) !== false) count += 1;
      heard.set(this, false);
    }
    return Reflect.apply(write, this, args);
  });
  return { count: () => count };
}

describe("changes", () => {
  let web: TestWeb;
  let token: string;
  beforeAll(async () => {
    web = await testWeb();
    token = await web.token("admin");
  });
  afterAll(() => web.close());

  it("wait for the database as often as stated", async () => {
    const server = await web.server({ name: "changed" });
    const group = await web.ask("/api/v1/groups", { method: "POST", token, json: { name: "changed" } });
    const asks: Record<string, (n: number) => Promise<{ status: number }>> = {
      "PATCH /api/v1/servers/{id}": (n) => web.ask(`/api/v1/servers/${server}`, { method: "PATCH", token, json: { name: `changed ${n}` } }),
      "PATCH /api/v1/groups/{id}": (n) =>
        web.ask(`/api/v1/groups/${group.body.id as string}`, { method: "PATCH", token, json: { description: `changed ${n}` } }),
      "POST /api/v1/tags": (n) => web.ask("/api/v1/tags", { method: "POST", token, json: { name: `changed-${n}` } }),
    };
    const counter = countRoundTrips();
    const counted: Record<string, number> = {};
    for (const [route, ask] of Object.entries(asks)) {
      // Each connection of the pool prepares a statement of its own.
      for (let n = 0; n < 40; n++) expect((await ask(n)).status).toBeLessThan(300);
      const counts: number[] = [];
      for (let n = 40; n < 55; n++) {
        const before = counter.count();
        await ask(n);
        counts.push(counter.count() - before);
      }
      // The fewest, since something in the background may have asked as well.
      counted[route] = Math.min(...counts);
    }
    vi.restoreAllMocks();
    expect(counted).toEqual(roundTrips);
  });
});
