import { z } from "zod";
import { serverTags, tagName } from "./groups.ts";
import { id, orNull, page, pageQuery, time } from "./platform.ts";

/** "pending" enrolled and never connected; "revoked" may not connect again; "quarantined" waits for a person. */
export const serverState = z.enum(["online", "offline", "pending", "revoked", "quarantined"]).meta({ id: "ServerState" });
export type ServerState = z.infer<typeof serverState>;

/** Values of the newest 10-second row. Null: not measured. */
export const serverLatest = z
  .object({
    time,
    cpuPercent: z.number().nullable(),
    load1: z.number().nullable(),
    memoryUsedBytes: z.number().nullable(),
    memoryTotalBytes: z.number().nullable(),
    /** Fullest file system. */
    diskUsedPercent: z.number().nullable(),
    diskMount: z.string().nullable(),
    receiveBytesPerSecond: z.number().nullable(),
    transmitBytesPerSecond: z.number().nullable(),
  })
  .meta({ id: "ServerLatest" });
export type ServerLatest = z.infer<typeof serverLatest>;

export const server = z
  .object({
    id,
    name: z.string(),
    hostname: z.string(),
    state: serverState,
    stateSince: time,
    lastSeenAt: time.nullable(),
    enrolledAt: time,
    roundTripMs: z.number().nullable(),
    agentVersion: z.string().nullable(),
    osName: z.string().nullable(),
    /** Whether no executor is installed. Null: not known yet. */
    monitorOnly: z.boolean().nullable(),
    tags: z.array(z.string()),
    /** Null: in none. */
    groupId: id.nullable(),
    latest: orNull(serverLatest),
    /** What a person should know, in words: clock far off, spool full, cloned machine, batches rejected. */
    warnings: z.array(z.object({ code: z.string(), message: z.string(), since: time })),
  })
  .meta({ id: "Server" });
export type Server = z.infer<typeof server>;

export const serverPage = page(server).meta({ id: "ServerPage" });
export type ServerPage = z.infer<typeof serverPage>;

/** Last 30 minutes by the minute, percent, oldest first; null where nothing was measured. */
export const serverSparkline = z
  .object({ serverId: id, cpu: z.array(z.number().nullable()), memory: z.array(z.number().nullable()) })
  .meta({ id: "ServerSparkline" });
export const serverSparklines = z.object({ items: z.array(serverSparkline) }).meta({ id: "ServerSparklines" });
export type ServerSparklines = z.infer<typeof serverSparklines>;

/** Comma separated, at most 100. */
export const sparklinesQuery = z.object({
  ids: z
    .string()
    .max(4_000)
    .transform((text) => text.split(","))
    .pipe(z.array(id).min(1).max(100)),
});

const commaList = <T extends z.ZodType<string, string>>(item: T, most: number) =>
  z
    .string()
    .max(4_000)
    .transform((text) => text.split(","))
    .pipe(z.array(item).min(1).max(most));

/** Which servers: all that is given has to hold. */
export const serverFilter = z.object({
  /** Part of the name, host name, operating system or address. */
  search: z.string().max(100).optional(),
  /** Comma separated: in one of these states. */
  state: commaList(serverState, 5).optional(),
  /** Comma separated: in one of these groups; "none" is that of servers without one. */
  group: commaList(z.union([id, z.literal("none")]), 100).optional(),
  /** Given once or more: has all of them; names separated by commas: has any of these. */
  tag: z.array(commaList(tagName, 50)).max(20).optional(),
  /** Part of the operating system's name. */
  os: z.string().max(100).optional(),
  monitorOnly: z
    .enum(["true", "false"])
    .transform((text) => text === "true")
    .optional(),
});
export type ServerFilter = z.output<typeof serverFilter>;

export const serverListQuery = serverFilter.extend({
  ...pageQuery.shape,
  sort: z.enum(["name", "-name", "cpu", "-cpu", "memory", "-memory", "disk", "-disk", "state"]).optional(),
});

export const fleetSummary = z
  .object({
    total: z.int(),
    online: z.int(),
    offline: z.int(),
    cpuMedianPercent: z.number().nullable(),
    cpuP95Percent: z.number().nullable(),
    memoryMedianPercent: z.number().nullable(),
    memoryP95Percent: z.number().nullable(),
    diskWorstPercent: z.number().nullable(),
    diskWorstServerId: id.nullable(),
  })
  .meta({ id: "FleetSummary" });
export type FleetSummary = z.infer<typeof fleetSummary>;

export const updateServer = z
  .object({
    name: z
      .string()
      .trim()
      .min(1)
      .max(100)
      .regex(/^[\p{L}\p{N} ._-]+$/u, "expected letters, digits, spaces, dots, dashes and underscores")
      .optional(),
    /** All that it has from now on. */
    tags: serverTags.optional(),
    /** Null: out of its group. Needs "servers.edit" in both groups. */
    groupId: id.nullable().optional(),
  })
  .refine((body) => Object.keys(body).length > 0, "expected name, tags or groupId")
  .meta({ id: "UpdateServer" });
export type UpdateServer = z.infer<typeof updateServer>;

/** Changes many servers at once; never "all": the ids are named. */
export const bulkUpdateServers = z
  .object({
    ids: z
      .array(id)
      .min(1)
      .max(1_000)
      .transform((ids) => [...new Set(ids)]),
    addTags: serverTags.optional(),
    removeTags: serverTags.optional(),
    groupId: id.nullable().optional(),
  })
  .refine(
    ({ addTags = [], removeTags = [], groupId }) => addTags.length + removeTags.length > 0 || groupId !== undefined,
    "expected addTags, removeTags or groupId",
  )
  .meta({ id: "BulkUpdateServers" });
export type BulkUpdateServers = z.output<typeof bulkUpdateServers>;
/** By server: not_found is also what is out of the caller's reach; too_many_tags: it would have more than 50. */
export const bulkOutcome = z.enum(["changed", "unchanged", "not_found", "forbidden", "too_many_tags"]).meta({ id: "BulkOutcome" });
export type BulkOutcome = z.infer<typeof bulkOutcome>;
export const bulkResult = z.object({ changed: z.int(), items: z.array(z.object({ id, outcome: bulkOutcome })) }).meta({ id: "BulkResult" });
export type BulkResult = z.infer<typeof bulkResult>;
