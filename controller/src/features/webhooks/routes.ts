import {
  createdWebhook,
  createWebhook as createWebhookBody,
  deliveryListQuery,
  id,
  outgoingSettings,
  timeCounts,
  timeCountsQuery,
  updateWebhook as updateWebhookBody,
  webhook,
  webhookDelivery,
  webhookDeliveryDetail,
  webhookDeliveryPage,
  webhookList,
} from "@devflow/api";
import { z } from "zod";
import type { Context } from "../../platform/context.ts";
import { type Api, defineRoute, demandConfirmed } from "../../platform/http/index.ts";
import { createOutgoing, putOutgoing, readOutgoing } from "../../platform/outgoing/index.ts";
import { countDeliveries } from "./count-deliveries.ts";
import { getDelivery, listDeliveries, replayDelivery, testWebhook } from "./deliveries.ts";
import { getWebhook, listWebhooks } from "./list-webhooks.ts";
import { createWebhook, deleteWebhook, rotateSecret, updateWebhook } from "./manage.ts";
import { deliveryScope, webhookScope } from "./rows.ts";

const path = "/api/v1/webhooks";
const deliveryPath = "/api/v1/webhook-deliveries";
const settingsPath = "/api/v1/settings/outgoing";
const common = { permission: "webhooks.manage", tag: "webhooks" } as const;
const one = { ...common, params: z.object({ id }), scope: "webhook" } as const;
const oneDelivery = { ...common, params: z.object({ id }), scope: "webhook-delivery" } as const;

/** Routes of outgoing webhooks, and of the addresses that the controller may call. */
export function webhookRoutes(api: Api, ctx: Context): void {
  const outgoing = createOutgoing(ctx);
  const list = defineRoute({ ...common, method: "get", path, summary: "Outgoing webhooks by name", response: webhookList });
  const create = defineRoute({
    ...common,
    method: "post",
    path,
    summary: "Send events to an address; the answer alone holds the secret that signs them",
    stepUp: true,
    body: createWebhookBody,
    status: 201,
    response: createdWebhook,
  });
  const get = defineRoute({ ...one, method: "get", path: `${path}/{id}`, summary: "One webhook", response: webhook });
  const update = defineRoute({
    ...one,
    method: "patch",
    path: `${path}/{id}`,
    summary: "Change, pause or enable a webhook",
    body: updateWebhookBody,
    response: webhook,
  });
  const remove = defineRoute({
    ...one,
    method: "delete",
    path: `${path}/{id}`,
    summary: "Delete a webhook with its deliveries",
    status: 204,
    response: null,
  });
  const rotate = defineRoute({
    ...one,
    method: "post",
    path: `${path}/{id}/rotate-secret`,
    summary: "Make a new secret; the one before signs beside it for 24 h",
    stepUp: true,
    response: createdWebhook,
  });
  const test = defineRoute({
    ...one,
    method: "post",
    path: `${path}/{id}/test`,
    summary: "Send webhook.test to this webhook",
    status: 202,
    response: webhookDelivery,
  });
  const deliveries = defineRoute({
    ...one,
    method: "get",
    path: `${path}/{id}/deliveries`,
    summary: "Deliveries to a webhook, newest first",
    query: deliveryListQuery,
    response: webhookDeliveryPage,
  });
  const deliveryCounts = defineRoute({
    ...one,
    method: "get",
    path: `${path}/{id}/deliveries/counts`,
    summary: "How many deliveries of a webhook there were by state, by the hour or day",
    query: timeCountsQuery,
    response: timeCounts,
  });
  const delivery = defineRoute({
    ...oneDelivery,
    method: "get",
    path: `${deliveryPath}/{id}`,
    summary: "One delivery: what was sent and what was answered",
    response: webhookDeliveryDetail,
  });
  const replay = defineRoute({
    ...oneDelivery,
    method: "post",
    path: `${deliveryPath}/{id}/replay`,
    summary: "Send a delivery again",
    status: 202,
    response: webhookDelivery,
  });
  const readAllowed = defineRoute({
    method: "get",
    path: settingsPath,
    permission: "installation.manage",
    tag: "settings",
    summary: "Addresses beside public ones that the controller may call for users",
    response: outgoingSettings,
  });
  const changeAllowed = defineRoute({
    method: "put",
    path: settingsPath,
    permission: "installation.manage",
    tag: "settings",
    summary: "Settle which addresses beside public ones the controller may call for users",
    stepUp: true,
    body: outgoingSettings,
    response: outgoingSettings,
  });

  api.scope("webhook", (webhookId) => webhookScope(ctx, webhookId));
  api.scope("webhook-delivery", (deliveryId) => deliveryScope(ctx, deliveryId));
  api.route(list, ({ principal }) => listWebhooks({ ctx, principal }));
  api.route(create, ({ principal, body }) => createWebhook({ ctx, outgoing, principal, input: body }));
  api.route(get, ({ principal, params }) => getWebhook({ ctx, principal, input: { webhookId: params.id } }));
  api.route(update, async ({ principal, identity, params, body }) => {
    // Everything goes somewhere else then.
    if (body.url !== undefined) await demandConfirmed(ctx, identity);
    return updateWebhook({ ctx, outgoing, principal, input: { ...body, webhookId: params.id } });
  });
  api.route(remove, async ({ principal, params }) => await deleteWebhook({ ctx, principal, input: { webhookId: params.id } }));
  api.route(rotate, ({ principal, params }) => rotateSecret({ ctx, principal, input: { webhookId: params.id } }));
  api.route(test, ({ principal, params }) => testWebhook({ ctx, principal, input: { webhookId: params.id } }));
  api.route(deliveries, ({ principal, params, query }) => listDeliveries({ ctx, principal, input: { ...query, webhookId: params.id } }));
  api.route(deliveryCounts, ({ principal, params, query }) =>
    countDeliveries({ ctx, principal, input: { ...query, webhookId: params.id } }),
  );
  api.route(delivery, ({ principal, params }) => getDelivery({ ctx, principal, input: { deliveryId: params.id } }));
  api.route(replay, ({ principal, params }) => replayDelivery({ ctx, principal, input: { deliveryId: params.id } }));
  api.route(readAllowed, () => readOutgoing({ ctx }));
  api.route(changeAllowed, ({ principal, body }) => putOutgoing({ ctx, principal, input: body }));
}
