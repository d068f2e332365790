import type { Context } from "../../platform/context.ts";
import type { Jobs } from "../../platform/jobs/index.ts";
import { deleteDue } from "./life/delete-due.ts";

/** Deletions whose period of grace is over, every ten minutes. */
export function organizationJobs(jobs: Jobs, ctx: Context): void {
  jobs.cron("organizations.delete", "*/10 * * * *", async () => void (await deleteDue({ ctx })));
}
