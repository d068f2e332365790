import type {
  CreatedWebhook,
  CreateWebhook,
  Event,
  OutgoingSettings,
  TimeCounts,
  UpdateWebhook,
  Webhook,
  WebhookDelivery,
  WebhookDeliveryDetail,
} from "@devflow/api";
import { call } from "./client.ts";

const v1 = "/api/v1";
const s = encodeURIComponent;

export interface EventQuery {
  types?: string | undefined;
  subjectKind?: string | undefined;
  subjectId?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  cursor?: string | undefined;
  limit?: number;
}
interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** Events, webhooks and the addresses that the controller may call. */
export const eventsApi = {
  events: (query: EventQuery) => call<Page<Event>>("GET", `${v1}/events`, { query: { ...query } }),
  counts: (query: Pick<EventQuery, "types" | "from">) => call<TimeCounts>("GET", `${v1}/events/counts`, { query: { ...query } }),
  deliveryCounts: (id: string) => call<TimeCounts>("GET", `${v1}/webhooks/${s(id)}/deliveries/counts`),
  webhooks: () => call<{ items: Webhook[] }>("GET", `${v1}/webhooks`),
  webhook: (id: string) => call<Webhook>("GET", `${v1}/webhooks/${s(id)}`),
  createWebhook: (body: CreateWebhook) => call<CreatedWebhook>("POST", `${v1}/webhooks`, { body }),
  updateWebhook: (id: string, body: UpdateWebhook) => call<Webhook>("PATCH", `${v1}/webhooks/${s(id)}`, { body }),
  deleteWebhook: (id: string) => call<unknown>("DELETE", `${v1}/webhooks/${s(id)}`),
  rotateWebhook: (id: string) => call<CreatedWebhook>("POST", `${v1}/webhooks/${s(id)}/rotate-secret`),
  testWebhook: (id: string) => call<WebhookDelivery>("POST", `${v1}/webhooks/${s(id)}/test`),
  deliveries: (id: string, cursor?: string) =>
    call<Page<WebhookDelivery>>("GET", `${v1}/webhooks/${s(id)}/deliveries`, { query: { cursor, limit: 50 } }),
  delivery: (id: string) => call<WebhookDeliveryDetail>("GET", `${v1}/webhook-deliveries/${s(id)}`),
  replay: (id: string) => call<WebhookDelivery>("POST", `${v1}/webhook-deliveries/${s(id)}/replay`),
  outgoing: () => call<OutgoingSettings>("GET", `${v1}/settings/outgoing`),
  putOutgoing: (body: OutgoingSettings) => call<OutgoingSettings>("PUT", `${v1}/settings/outgoing`, { body }),
};
