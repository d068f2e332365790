export { joinDatabaseBus } from "./database-bus.ts";
export { type Events, type Reach, reach } from "./events.ts";
export { type Bus, createBus, type Handler, type ProcessBus } from "./process-bus.ts";
export { createWatchers, type Watchers } from "./watchers.ts";
