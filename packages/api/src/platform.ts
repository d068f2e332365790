import { z } from "zod";

/** RFC 3339 UTC time. */
export const time = z.iso.datetime();
/** A time that somebody asks for; the year 0, which ISO 8601 knows and PostgreSQL does not, is refused. */
export const askedTime = time.refine((text) => !text.startsWith("0000-"), "expected a year from 0001 on");
export const id = z.uuid();

/**
 * A schema with an id, or null. `.nullable()` on one would make the shared component itself null in the OpenAPI
 * document, for everybody who refers to it.
 */
export const orNull = <T extends z.ZodType>(schema: T) => z.union([schema, z.null()]);

/** RFC 9457 problem document; every error of the API has this shape. */
export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string(),
    requestId: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: "Problem" });
export type Problem = z.infer<typeof problem>;

/** A page of a list; nextCursor is null on the last page. */
export const page = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), nextCursor: z.string().nullable() });

/** Query of every list. */
export const pageQuery = z.object({
  cursor: z.string().max(1_000).optional(),
  limit: z
    .string()
    .regex(/^\d{1,3}$/, "expected a whole number from 1 to 500")
    .transform(Number)
    .pipe(z.int().min(1).max(500))
    .optional(),
});

/** Query of counts over time: `from` (default 24 h before `to`) up to `to` (default now), 400 days at most. */
export const timeCountsQuery = z.object({ from: askedTime.optional(), to: askedTime.optional() });

/** How often each kind of thing happened in each hour (in each day, when more than four days are asked for), oldest first. What did not happen is left out. */
export const timeCounts = z
  .object({
    /** Begin of the first hour or day. */
    from: time,
    to: time,
    stepSeconds: z.int(),
    items: z.array(z.object({ at: time, kind: z.string(), count: z.int() })),
  })
  .meta({ id: "TimeCounts" });
export type TimeCounts = z.infer<typeof timeCounts>;
