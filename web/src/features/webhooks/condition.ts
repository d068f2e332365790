import type { Webhook, WebhookDelivery } from "@devflow/api";
import type { Series } from "#ui/bars.ts";

interface Condition {
  readonly tone: "good" | "warn" | "bad" | "idle" | "busy";
  readonly word: string;
}

export function webhookCondition({ disabledAt, disabledReason, failingSince }: Webhook): Condition {
  if (disabledAt !== null) return disabledReason === null ? { tone: "idle", word: "Paused" } : { tone: "bad", word: "Disabled" };
  return failingSince === null ? { tone: "good", word: "On" } : { tone: "warn", word: "Failing" };
}

export function deliveryCondition({ state, attempts }: WebhookDelivery): Condition {
  if (state === "delivered") return { tone: "good", word: "Delivered" };
  if (state === "failed") return { tone: "bad", word: "Given up" };
  if (state === "skipped") return { tone: "idle", word: "Skipped" };
  return attempts === 0 ? { tone: "busy", word: "Waiting" } : { tone: "warn", word: "Trying again" };
}

/** What the chart of deliveries tells apart. */
export const deliverySeries: readonly Series[] = [
  { label: "delivered", color: "var(--good)", kinds: ["delivered"] },
  { label: "waiting", color: "var(--bar-warn)", kinds: ["waiting"] },
  { label: "given up", color: "var(--bar-bad)", kinds: ["failed"] },
  { label: "skipped", color: "var(--bar)", kinds: ["skipped"] },
];
