import type { Feature } from "../../platform/feature.ts";
import { deleteOldEvents } from "./retention.ts";
import { eventRoutes } from "./routes.ts";

export { readSettled, settledPosition } from "./read-events.ts";
export { type EventRow, toEvent } from "./visible.ts";

export const events: Feature = {
  name: "events",
  routes: eventRoutes,
  jobs(jobs, ctx) {
    jobs.cron("events.retention", "22 * * * *", async () => {
      const deleted = await deleteOldEvents({ ctx });
      if (deleted > 0) ctx.log.info({ scope: "events.retention", deleted }, "events past their retention deleted");
    });
  },
};
