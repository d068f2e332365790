import type { Feature } from "../../platform/feature.ts";
import { createOutgoing } from "../../platform/outgoing/index.ts";
import { deleteOldDeliveries } from "./retention.ts";
import { webhookRoutes } from "./routes.ts";
import { secretPurpose } from "./secret-purpose.ts";
import { startDelivery } from "./worker.ts";

export const webhooks: Feature = {
  name: "webhooks",
  sealed: (["sealed_secret", "sealed_previous_secret"] as const).map((column) => ({
    table: "webhooks",
    column,
    key: ["id"],
    by: "organization",
    purpose: secretPurpose,
  })),
  routes: webhookRoutes,
  async start(ctx) {
    return ctx.config.roles.has("worker") ? startDelivery(ctx, createOutgoing(ctx)) : undefined;
  },
  jobs(jobs, ctx) {
    jobs.cron("webhooks.retention", "52 * * * *", async () => {
      const deleted = await deleteOldDeliveries({ ctx });
      if (deleted > 0) ctx.log.info({ scope: "webhooks.retention", deleted }, "deliveries past their retention deleted");
    });
  },
};
