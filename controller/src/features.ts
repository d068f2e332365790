import { cli } from "./features/cli/index.ts";
import { audit } from "./features/audit/index.ts";
import { enrolment } from "./features/enrolment/index.ts";
import { events } from "./features/events/index.ts";
import { groups } from "./features/groups/index.ts";
import { inventory } from "./features/inventory/index.ts";
import { metrics } from "./features/metrics/index.ts";
import { organizations } from "./features/organizations/index.ts";
import { servers } from "./features/servers/index.ts";
import { session } from "./features/session/index.ts";
import { settings } from "./features/settings/index.ts";
import { tokens } from "./features/tokens/index.ts";
import { users } from "./features/users/index.ts";
import { webhooks } from "./features/webhooks/index.ts";
import type { Feature } from "./platform/feature.ts";

/** Every feature of the controller; the order is the order of starting, and backwards of stopping. */
export const features: readonly Feature[] = [
  settings,
  users,
  organizations,
  tokens,
  cli,
  groups,
  servers,
  metrics,
  inventory,
  enrolment,
  session,
  events,
  webhooks,
  audit,
];
