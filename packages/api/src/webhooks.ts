import { z } from "zod";
import { eventType } from "./events.ts";
import { id, page, pageQuery, time } from "./platform.ts";

const name = z.string().trim().min(1).max(100);
/** Where events are sent to: https, or http to addresses that the installation's administrator has allowed. */
const url = z
  .url({ protocol: /^https?$/ })
  .max(2_000)
  .refine((text) => !/^\w+:\/\/[^/?#]*@/.test(text), "must not hold a user name or password; check the signature instead");
/** Event types, or "*" for all, later ones too. */
const types = z.union([z.tuple([z.literal("*")]), z.array(eventType).min(1).max(100)]);

export const webhook = z
  .object({
    id,
    name: z.string(),
    url: z.string(),
    types: z.array(z.string()),
    createdAt: time,
    updatedAt: time,
    /** Null: events are sent to it. */
    disabledAt: time.nullable(),
    /** Why the controller disabled it; null when a person did. */
    disabledReason: z.string().nullable(),
    /** First failure since the last success. */
    failingSince: time.nullable(),
    /** Until then deliveries carry the signature of the secret before too. */
    previousSecretUntil: time.nullable(),
    waiting: z.int().meta({ description: "Deliveries that are still to come" }),
  })
  .meta({ id: "Webhook" });
export type Webhook = z.infer<typeof webhook>;
export const webhookList = z.object({ items: z.array(webhook) }).meta({ id: "WebhookList" });

export const createWebhook = z.object({ name, url, types }).meta({ id: "CreateWebhook" });
export type CreateWebhook = z.infer<typeof createWebhook>;
/** `enabled: false` pauses it: what happens meanwhile is not sent later. */
export const updateWebhook = z
  .object({ name: name.optional(), url: url.optional(), types: types.optional(), enabled: z.boolean().optional() })
  .meta({ id: "UpdateWebhook" });
export type UpdateWebhook = z.infer<typeof updateWebhook>;
/** The only answers that hold the secret, "whsec_…". */
export const createdWebhook = z.object({ webhook, secret: z.string() }).meta({ id: "CreatedWebhook" });
export type CreatedWebhook = z.infer<typeof createdWebhook>;

const headers = z.record(z.string(), z.string());
export const webhookAttempt = z
  .object({
    at: time,
    durationMs: z.int(),
    requestHeaders: headers,
    /** Null: there was no answer. */
    status: z.int().nullable(),
    responseHeaders: headers.nullable(),
    /** At most its first 16 kB. */
    responseBody: z.string().nullable(),
    /** What went wrong, in words; null when it was delivered. */
    error: z.string().nullable(),
  })
  .meta({ id: "WebhookAttempt" });
export type WebhookAttempt = z.infer<typeof webhookAttempt>;

export const deliveryState = z.enum(["waiting", "delivered", "failed", "skipped"]).meta({ id: "WebhookDeliveryState" });
export const webhookDelivery = z
  .object({
    id,
    webhookId: id,
    eventId: id,
    type: z.string(),
    state: deliveryState,
    attempts: z.int(),
    nextAttemptAt: time.nullable(),
    createdAt: time,
    finishedAt: time.nullable(),
    /** Of a replay: the delivery that was sent again. */
    replays: id.nullable(),
    /** Of the newest attempt. */
    lastStatus: z.int().nullable(),
    lastError: z.string().nullable(),
    lastDurationMs: z.int().nullable(),
  })
  .meta({ id: "WebhookDelivery" });
export type WebhookDelivery = z.infer<typeof webhookDelivery>;
export const webhookDeliveryPage = page(webhookDelivery).meta({ id: "WebhookDeliveryPage" });
/** Query of a webhook's deliveries: newest first. */
export const deliveryListQuery = pageQuery.extend({ state: deliveryState.optional() });
/** One delivery with its body and the log of its attempts, newest first. */
export const webhookDeliveryDetail = z
  .object({ delivery: webhookDelivery, body: z.string(), log: z.array(webhookAttempt) })
  .meta({ id: "WebhookDeliveryDetail" });
export type WebhookDeliveryDetail = z.infer<typeof webhookDeliveryDetail>;

/** Addresses that the controller may call for users beside public ones; CIDR, such as "10.0.0.0/8". */
export const outgoingSettings = z.object({ allowed: z.array(z.union([z.cidrv4(), z.cidrv6()])).max(200) }).meta({ id: "OutgoingSettings" });
export type OutgoingSettings = z.infer<typeof outgoingSettings>;

/** Days for which events are kept. */
export const eventRetention = z.object({ days: z.int().min(1).max(3_650) }).meta({ id: "EventRetention" });
export type EventRetention = z.infer<typeof eventRetention>;
