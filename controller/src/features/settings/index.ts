import type { Feature } from "../../platform/feature.ts";
import { deliverMails, startDelivery } from "../../platform/mail/index.ts";
import { settingsRoutes } from "./routes.ts";

export const settings: Feature = {
  name: "settings",
  routes: settingsRoutes,
  async start(ctx) {
    return ctx.config.roles.has("worker") ? startDelivery(ctx) : undefined;
  },
  jobs(jobs, ctx) {
    // What could not be sent at once, and what was queued by a controller that died.
    jobs.cron("mail.deliver", "* * * * *", async () => {
      await deliverMails({ ctx });
    });
  },
};
