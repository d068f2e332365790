import { checkpointLines, createCheckpointKeeper, lookAtCheckpoints } from "./features/audit/index.ts";
import { enrol, renewExpired } from "./features/enrolment/index.ts";
import { createInventorySource } from "./features/inventory/index.ts";
import { createMetricSource } from "./features/metrics/index.ts";

/** What the agent's features give to the process; one entry a noun. */
export const features = {
  audit: { createCheckpointKeeper, checkpointLines, lookAtCheckpoints },
  enrolment: { enrol, renewExpired },
  inventory: createInventorySource,
  metrics: () => createMetricSource(),
} as const;
