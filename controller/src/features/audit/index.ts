import { chainAudit } from "../../platform/audit/chain.ts";
import { deleteOldAudit, noteCheckpoints } from "../../platform/audit/retention.ts";
import type { Feature } from "../../platform/feature.ts";
import { auditRoutes } from "./routes.ts";

export { agentCheckpoints, checkpointCapability } from "./agent.ts";

export const audit: Feature = {
  name: "audit",
  routes: auditRoutes,
  jobs(jobs, ctx) {
    jobs.cron("audit.chain", "* * * * *", async () => {
      await noteCheckpoints(ctx, await chainAudit({ ctx }));
    });
    jobs.cron("audit.retention", "41 3 * * *", async () => {
      const deleted = await deleteOldAudit({ ctx });
      if (deleted > 0) ctx.log.info({ scope: "audit.retention", deleted }, "audit rows past their retention deleted");
    });
  },
};
