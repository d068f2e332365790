export { createCheckpointKeeper } from "./keeper.ts";
export { checkpointLines, lookAtCheckpoints } from "./look.ts";
