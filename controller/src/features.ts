import { cli } from "./features/cli/index.ts";
import { enrolment } from "./features/enrolment/index.ts";
import { inventory } from "./features/inventory/index.ts";
import { metrics } from "./features/metrics/index.ts";
import { servers } from "./features/servers/index.ts";
import { session } from "./features/session/index.ts";
import { tokens } from "./features/tokens/index.ts";
import { users } from "./features/users/index.ts";
import type { Feature } from "./platform/feature.ts";

/** Every feature of the controller; the order is the order of starting, and backwards of stopping. */
export const features: readonly Feature[] = [users, tokens, cli, servers, metrics, inventory, enrolment, session];
