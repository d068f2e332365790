export type { Jobs } from "./jobs.ts";
export { createJobs, type RunningJobs } from "./pg-boss-jobs.ts";
