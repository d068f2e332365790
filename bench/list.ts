// How long the list of 10,000 servers takes in the controller (query and rows, without HTTP), first page of 50, on the
// embedded PostgreSQL as it is shipped: by each order, by a search and filters, within a reach of one group of twenty,
// and the summary above it.
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { serverListQuery } from "@devflow/api";
import { readConfig } from "../controller/src/config.ts";
import { fleetSummary } from "../controller/src/features/servers/fleet-summary.ts";
import { listServers } from "../controller/src/features/servers/list-servers.ts";
import { type Access, type Principal, roleAccess, roleGrant } from "../controller/src/platform/auth/index.ts";
import type { Context } from "../controller/src/platform/context.ts";
import { ensureInstallation, migrate, openDatabase } from "../controller/src/platform/db/index.ts";
import { createLog } from "../controller/src/platform/log/index.ts";
import { fillServers } from "./_fill-servers.ts";

const servers = 10_000;
const rounds = Number(process.env["DEVFLOW_BENCH_ROUNDS"] ?? 100);
const asked = {
  name: {},
  cpu: { sort: "-cpu" },
  memory: { sort: "-memory" },
  state: { sort: "state" },
  stateIs: { state: "offline" },
  states: { state: "offline,quarantined", sort: "-cpu" },
  group: { group: "GROUP" },
  groupByCpu: { group: "GROUP,none", sort: "-cpu" },
  tag: { tag: ["prod"] },
  tags: { tag: ["prod", "rack:7,rack:8"], sort: "-memory" },
  tagRare: { tag: ["rack:7"] },
  tagNobody: { tag: ["nobody"] },
  os: { os: "debian", sort: "-disk" },
  monitorOnly: { monitorOnly: "true" },
  everything: { group: "GROUP", tag: ["prod"], state: "online", os: "debian", search: "web", sort: "-cpu" },
  search: { search: "web-77" },
  searchAddress: { search: "10.0.3." },
  searchNothing: { search: "nowhere" },
} as const;

export async function run(): Promise<object> {
  const log = createLog("error");
  const dataDir = await mkdtemp(join(tmpdir(), "devflow-bench-"));
  const config = readConfig({ DEVFLOW_DATA_DIR: dataDir });
  const database = await openDatabase(config, log);
  try {
    const { sql } = database;
    await migrate({ target: database.directTarget, log });
    const installation = await ensureInstallation({ target: database.directTarget, log });
    await fillServers(sql, installation.defaultOrganizationId, servers);
    const ctx = { sql, installation } as Context;
    const organizationId = installation.defaultOrganizationId;
    const [group] = await sql<{ id: string }[]>`select id from server_groups order by name limit 1`;
    const who = (access: Access) => ({ organizationId, access }) as Principal;
    const principal = who(roleAccess("view", organizationId));
    const part = who({ ...principal.access, grants: [{ ...roleGrant("view", organizationId), scopeKind: "group", scopeId: group!.id }] });
    const filter = (query: object) => serverListQuery.parse(JSON.parse(JSON.stringify(query).replace("GROUP", group!.id)));
    const verbs: [string, () => Promise<unknown>][] = [
      ...Object.entries(asked).map(([name, query]): [string, () => Promise<unknown>] => [
        name,
        () => listServers({ ctx, principal, input: filter(query) }),
      ]),
      ["summary", () => fleetSummary({ ctx, principal })],
      ["summaryFiltered", () => fleetSummary({ ctx, principal, input: filter(asked.tags) })],
      ["withinGroup", () => listServers({ ctx, principal: part, input: filter({ sort: "-cpu" }) })],
      ["withinGroupSummary", () => fleetSummary({ ctx, principal: part })],
    ];
    const figures: Record<string, object> = {};
    for (const [name, verb] of verbs) {
      for (let i = 0; i < 10; i++) await verb();
      const took: number[] = [];
      for (let i = 0; i < rounds; i++) {
        const begun = performance.now();
        await verb();
        took.push(performance.now() - begun);
      }
      took.sort((a, b) => a - b);
      figures[name] = { p50Ms: round(took[Math.floor(rounds * 0.5)] as number), p95Ms: round(took[Math.floor(rounds * 0.95)] as number) };
    }
    return { servers, loadAverage: round(loadavg()[0] as number), ...figures };
  } finally {
    await database.close();
    await rm(dataDir, { recursive: true });
  }
}

const round = (x: number): number => Math.round(x * 10) / 10;
