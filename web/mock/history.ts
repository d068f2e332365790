import type { AuditEntry, Event, TimeCounts } from "@devflow/api";
import type { Machine } from "./machines.ts";

const HOUR_MS = 3_600_000;
const id = (n: number) => `0e0e0000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const page = (items: readonly unknown[]) => ({ items, nextCursor: null });

/** Servers that came and went, newest first. */
function events(machines: readonly Machine[], nowMs: number): Event[] {
  return machines.slice(0, 40).map((m, n) => ({
    id: id(n),
    type: n % 3 === 0 ? "server.offline" : "server.online",
    at: new Date(nowMs - (n + 1) * 17 * 60_000).toISOString(),
    actor: { kind: "system", id: "system", name: "DevFlow" },
    subject: { kind: "server", id: m.server.id, name: m.server.name },
    data: n % 3 === 0 ? { reason: "its connection ended" } : {},
  }));
}

const auditEntry = (event: Event, n: number): AuditEntry => ({
  sequence: 1_000 - n,
  at: event.at,
  actor: { kind: "user", id: "u1", name: "anna@example.com" },
  address: "198.51.100.7",
  requestId: null,
  action: "servers.update",
  target: { kind: "server", id: event.subject.id },
  outcome: n % 5 === 0 ? "refused" : "done",
  before: null,
  after: { name: event.subject.name },
  hash: null,
});

/** The last day by the hour, of what happened at some times. */
function counts(nowMs: number, happened: readonly { at: string; kind: string }[]): TimeCounts {
  const from = Math.floor((nowMs - 24 * HOUR_MS) / HOUR_MS) * HOUR_MS;
  const items = new Map<string, TimeCounts["items"][number]>();
  for (const { at, kind } of happened) {
    const hour = new Date(Math.floor(Date.parse(at) / HOUR_MS) * HOUR_MS).toISOString();
    const known = items.get(hour + kind);
    items.set(hour + kind, { at: hour, kind, count: (known?.count ?? 0) + 1 });
  }
  return { from: new Date(from).toISOString(), to: new Date(nowMs).toISOString(), stepSeconds: 3600, items: [...items.values()] };
}

/** The answer to a call about what happened, and to lists that are empty here; null for any other. */
export function historyAnswer(
  machines: readonly Machine[],
  method: string,
  path: string,
  q: URLSearchParams,
): { status: number; body: unknown } | null {
  if (method !== "GET") return null;
  const now = Date.now();
  const types = q.get("types")?.split(",");
  const subject = q.get("subjectId");
  const of = () =>
    events(machines, now).filter((event) => (!types || types.includes(event.type)) && (subject === null || event.subject.id === subject));
  const audit = () => of().map(auditEntry);
  const answers: Readonly<Record<string, () => unknown>> = {
    "/events": () => page(of()),
    "/events/counts": () =>
      counts(
        now,
        of().map(({ at, type }) => ({ at, kind: type })),
      ),
    "/audit": () => page(audit()),
    "/audit/contradictions": () => ({ items: [] }),
    "/audit/counts": () =>
      counts(
        now,
        audit().map(({ at, outcome }) => ({ at, kind: outcome })),
      ),
    "/webhooks": () => ({ items: [] }),
    "/service-accounts": () => page([]),
    "/organizations": () => ({ items: [], mayCreate: false }),
  };
  const body = answers[path]?.();
  return body === undefined ? null : { status: 200, body };
}
