// node scripts/devflow.mjs admin after-restore: the controller's commands for its administrator. Builds what is stale first.
await import("./start.mjs");
