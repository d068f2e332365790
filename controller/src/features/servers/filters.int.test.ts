import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testGroup, tokenWith } from "../../testing/access.ts";
import { testWeb, type TestWeb } from "../../testing/web.ts";

interface Row {
  readonly name: string;
  readonly tags: readonly string[];
  readonly group: "a" | "b" | null;
  readonly os: string | null;
  readonly monitorOnly: boolean | null;
  readonly state: "online" | "offline" | "pending";
}
const systems = ["Debian GNU/Linux 12", "Ubuntu 24.04", "50%_done\\Linux", null];
const rows: readonly Row[] = Array.from({ length: 48 }, (_, n) => ({
  name: `s-${String(n).padStart(2, "0")}`,
  tags: ["x", "y", "z"].filter((_tag, i) => (n >> i) % 2 === 1),
  group: ([null, "a", "b"] as const)[n % 3]!,
  os: systems[n % 4]!,
  monitorOnly: [true, false, null][Math.floor(n / 3) % 3]!,
  state: (["online", "offline", "pending"] as const)[Math.floor(n / 2) % 3]!,
}));

const cases: readonly [query: string, test: (row: Row) => boolean][] = [
  ["", () => true],
  ["group=A", ({ group }) => group === "a"],
  ["group=none", ({ group }) => group === null],
  ["group=A,none", ({ group }) => group !== "b"],
  ["tag=x", ({ tags }) => tags.includes("x")],
  ["tag=x&tag=y", ({ tags }) => tags.includes("x") && tags.includes("y")],
  ["tag=x,z", ({ tags }) => tags.includes("x") || tags.includes("z")],
  ["tag=x,z&tag=y", ({ tags }) => (tags.includes("x") || tags.includes("z")) && tags.includes("y")],
  ["tag=X", () => false],
  ["state=online", ({ state }) => state === "online"],
  ["state=offline,pending", ({ state }) => state !== "online"],
  ["os=DEBIAN", ({ os }) => os?.includes("Debian") ?? false],
  ["os=50%25_d", ({ os }) => os?.startsWith("50") ?? false],
  ["os=%25", ({ os }) => os?.includes("%") ?? false],
  ["os=s-0", () => false],
  ["monitorOnly=true", ({ monitorOnly }) => monitorOnly === true],
  ["monitorOnly=false", ({ monitorOnly }) => monitorOnly === false],
  ["search=s-1", ({ name }) => name.startsWith("s-1")],
  [
    "group=A&tag=x&state=online,offline&os=ubuntu&search=s-",
    ({ group, tags, state, os }) => group === "a" && tags.includes("x") && state !== "pending" && os === "Ubuntu 24.04",
  ],
];

describe("filters of the server list", () => {
  let web: TestWeb;
  let view: string;
  let groups: Record<"a" | "b", string>;
  beforeAll(async () => {
    web = await testWeb();
    view = await web.token("view");
    groups = { a: await testGroup(web, "A"), b: await testGroup(web, "B") };
    const { sql } = web.ctx;
    for (const row of rows) {
      const id = await web.server({ name: row.name });
      await sql`update servers set tags = string_to_array(${row.tags.join(",")}, ','), group_id = ${row.group && groups[row.group]}, os_name = ${row.os},
        monitor_only = ${row.monitorOnly}, first_connected_at = ${row.state === "pending" ? null : new Date()} where id = ${id}`;
      if (row.state === "online")
        await sql`insert into agent_sessions (server_id, gateway_id, epoch, boot_id, spool_id, address) values (${id}, gen_random_uuid(), 1, 'b', 's', '::1')`;
    }
  });
  afterAll(() => web.close());
  const withIds = (query: string) => query.replace("=A", `=${groups.a}`).replace("=B", `=${groups.b}`);

  it.each(cases)("%j keeps those and no others, in list and figures", async (query, test) => {
    const expected = rows.filter(test);
    const names: string[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const { status, body } = await web.ask(`/api/v1/servers?limit=11&${withIds(query)}${cursor === "" ? "" : `&cursor=${cursor}`}`, {
        token: view,
      });
      expect([query, status]).toEqual([query, 200]);
      names.push(...(body.items as { name: string }[]).map(({ name }) => name));
      cursor = body.nextCursor as string | null;
    }
    expect([query, names]).toEqual([query, expected.map(({ name }) => name)]);
    const { body } = await web.ask(`/api/v1/servers/summary?${withIds(query)}`, { token: view });
    expect([query, body.total, body.online]).toEqual([query, expected.length, expected.filter(({ state }) => state === "online").length]);
  });

  it("ask for nothing beyond a reach", async () => {
    const inA = await tokenWith(web, { role: "view", group: groups.a });
    for (const [query, test] of cases) {
      const { body } = await web.ask(`/api/v1/servers?limit=100&${withIds(query)}`, { token: inA });
      expect([query, body.items.length]).toEqual([query, rows.filter((row) => row.group === "a" && test(row)).length]);
    }
  });

  it.each(["state=up", "state=", "group=x", "group=", "tag=", "tag=a b", "monitorOnly=1", "state=online&state=offline", "color=red"])(
    "%j is refused",
    async (query) => expect((await web.ask(`/api/v1/servers?${query}`, { token: view })).status).toBe(422),
  );
});
