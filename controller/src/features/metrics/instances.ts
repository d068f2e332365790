import { RejectionReason } from "@devflow/proto/metrics/v1/metrics";
import { arrayLiteral, type Sql } from "../../platform/db/index.ts";
import { type BatchRejection, checkInstanceName, MAX_INSTANCES_A_FAMILY, reject } from "./ingest-bounds.ts";
import { type RowShape, rowShapes } from "./row-shape.ts";

/** Names of one server: a map for each shape, in their order. */
type ServerInstances = readonly Map<string, number>[];

/** A name that the database does not hold yet. */
export interface NewInstance {
  readonly serverNo: number;
  readonly shape: RowShape;
  readonly name: string;
}

/**
 * The dictionary metric_instances, kept in memory for the servers that send. Numbers are given once and never change,
 * so that what is here is never wrong, only incomplete.
 */
export function createInstances(sql: Sql, maxNames = 500_000) {
  const servers = new Map<number, ServerInstances>();
  let size = 0;

  const forget = (serverNo: number): void => {
    for (const names of servers.get(serverNo) ?? []) size -= names.size;
    servers.delete(serverNo);
  };

  const put = (serverNo: number, shape: RowShape, name: string, instanceNo: number): void => {
    const names = servers.get(serverNo)?.[shape.index];
    if (names === undefined || names.has(name)) return;
    names.set(name, instanceNo);
    size++;
  };

  const load = async (serverNos: readonly number[]): Promise<void> => {
    const rows = await sql<{ serverNo: number; family: number; instanceNo: number; name: string }[]>`
      select server_no as "serverNo", family, instance_no as "instanceNo", name from metric_instances where server_no = any(${arrayLiteral(serverNos)}::int[])`;
    // Oldest first; those that send right now are loaded again at their next batch.
    for (const serverNo of servers.keys()) {
      if (size + rows.length <= maxNames) break;
      forget(serverNo);
    }
    for (const serverNo of serverNos) {
      if (!servers.has(serverNo))
        servers.set(
          serverNo,
          rowShapes.map(() => new Map<string, number>()),
        );
    }
    const shapes = new Map(rowShapes.map((shape) => [shape.family.id, shape]));
    for (const row of rows) {
      const shape = shapes.get(row.family);
      if (shape !== undefined) put(row.serverNo, shape, row.name, row.instanceNo);
    }
  };

  return {
    get size() {
      return size;
    },
    isLoaded: (serverNo: number): boolean => servers.has(serverNo),
    forget,
    /** Writes each name's number into `out`; returns whether all were known. */
    lookup(serverNo: number, shape: RowShape, names: readonly string[], out: Int32Array): boolean {
      if (shape.isHost) {
        out[0] = 0;
        return true;
      }
      const known = servers.get(serverNo)?.[shape.index];
      if (known === undefined) return false;
      for (let i = 0; i < names.length; i++) {
        const instanceNo = known.get(names[i] as string);
        if (instanceNo === undefined) return false;
        out[i] = instanceNo;
      }
      return true;
    },
    /** Which of the names of a loaded server are new, or why they cannot be stored. */
    missing(serverNo: number, shape: RowShape, names: readonly string[]): NewInstance[] | BatchRejection {
      const known = servers.get(serverNo)?.[shape.index];
      const fresh = new Set(names.filter((name) => known?.has(name) !== true));
      for (const name of fresh) {
        const wrong = checkInstanceName(name, shape.isHost);
        if (wrong !== null) return reject(RejectionReason.MALFORMED, `${shape.family.name}: ${wrong}`);
      }
      if ((known?.size ?? 0) + fresh.size > MAX_INSTANCES_A_FAMILY) {
        return reject(
          RejectionReason.TOO_MANY_INSTANCES,
          `expected at most ${MAX_INSTANCES_A_FAMILY} names of ${shape.family.name} over time, got ${(known?.size ?? 0) + fresh.size}`,
        );
      }
      return [...fresh].map((name) => ({ serverNo, shape, name }));
    },
    load,
    /** Gives new names their numbers, from 1 in each server and family; another gateway may do the same at the same time. */
    async add(fresh: readonly NewInstance[]): Promise<void> {
      const unique = new Map(fresh.map((f) => [`${f.serverNo} ${f.shape.index} ${f.name}`, f]));
      const next = new Map<string, number>();
      const rows = [...unique.values()].map(({ serverNo, shape, name }) => {
        const key = `${serverNo} ${shape.index}`;
        const known = servers.get(serverNo)?.[shape.index];
        const instanceNo = next.get(key) ?? 1 + Math.max(0, ...(known?.values() ?? []));
        next.set(key, instanceNo + 1);
        return { serverNo, family: shape.family.id, instanceNo, name };
      });
      // In one order everywhere, so that two gateways cannot wait for each other.
      rows.sort((a, b) => a.serverNo - b.serverNo || a.family - b.family || a.instanceNo - b.instanceNo);
      for (let i = 0; i < rows.length; i += 1000) {
        const part = rows.slice(i, i + 1000);
        await sql`
          insert into metric_instances (server_no, family, instance_no, name)
          select * from unnest(${arrayLiteral(part.map((r) => r.serverNo))}::int[], ${arrayLiteral(part.map((r) => r.family))}::smallint[], ${arrayLiteral(part.map((r) => r.instanceNo))}::int[], ${arrayLiteral(part.map((r) => r.name))}::text[])
          on conflict do nothing`;
      }
      // What the table says now counts, also where another gateway was first.
      await load([...new Set(rows.map((r) => r.serverNo))]);
    },
  };
}

export type Instances = ReturnType<typeof createInstances>;
