import { sql } from "drizzle-orm";
import { index, integer, jsonb, pgTable, text, unique, uuid } from "drizzle-orm/pg-core";
import { at, bytea, key } from "../../platform/db/columns.ts";
import { ofOrganization } from "../../platform/auth/schema.ts";

/** Where events are sent to. */
export const webhooks = pgTable(
  "webhooks",
  {
    id: key(),
    organizationId: ofOrganization(),
    name: text().notNull(),
    url: text().notNull(),
    /** Event types, or "*". */
    types: text().array().notNull(),
    /** Signing secret, sealed under the organisation's key. */
    sealedSecret: bytea().notNull(),
    /** The one before, for 24 h after a rotation: deliveries carry both signatures. */
    sealedPreviousSecret: bytea(),
    previousSecretUntil: at(),
    createdAt: at().notNull().defaultNow(),
    updatedAt: at().notNull().defaultNow(),
    disabledAt: at(),
    /** Why it was disabled, in words; null when a person did it. */
    disabledReason: text(),
    /** First failure since the last success. */
    failingSince: at(),
    /** A worker delivers to it until then, unless it gives it back earlier. */
    claimedUntil: at(),
    /** While it fails, nothing is sent to it before then. */
    restsUntil: at(),
  },
  (t) => [index().on(t.organizationId)],
);

/** One event for one webhook, with what came of the newest attempt. */
export const webhookDeliveries = pgTable(
  "webhook_deliveries",
  {
    id: key(),
    organizationId: ofOrganization(),
    webhookId: uuid()
      .notNull()
      .references(() => webhooks.id, { onDelete: "cascade" }),
    eventId: uuid().notNull(),
    type: text().notNull(),
    /** The body as it is sent and signed. */
    body: text().notNull(),
    /** "waiting", "delivered", "failed" (given up), "skipped" (the webhook was disabled). */
    state: text().notNull(),
    attempts: integer().notNull().default(0),
    /** When the next attempt is due; null when there is none. */
    nextAttemptAt: at(),
    createdAt: at().notNull().defaultNow(),
    finishedAt: at(),
    /** [{at, durationMs, requestHeaders, status, responseHeaders, responseBody, error}], newest first, at most 20. */
    log: jsonb().notNull().default([]),
    /** Of a replay: the delivery that was sent again. */
    replays: uuid(),
  },
  (t) => [
    unique().on(t.webhookId, t.eventId, t.replays).nullsNotDistinct(),
    index().on(t.webhookId, t.createdAt),
    index().on(t.createdAt),
    index("webhook_deliveries_due")
      .on(t.webhookId, t.nextAttemptAt)
      .where(sql`${t.nextAttemptAt} is not null`),
  ],
);
