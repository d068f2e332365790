import type { Event } from "@devflow/api";
import type { Series } from "#ui/bars.ts";

const nouns: Readonly<Record<string, string>> = {
  member: "Member",
  grants: "Access",
  token: "API token",
  user: "",
  "enrolment-token": "Enrolment token",
  "service-account": "Service account",
  organization: "Organisation",
};
const sentence = (words: string) => words.charAt(0).toUpperCase() + words.slice(1);

/** What happened, from the type: "server.quarantined" → "Server quarantined", "user.password-changed" → "Password changed". */
export function whatHappened(type: string): string {
  const [noun = "", what = ""] = type.split(".");
  return sentence(`${nouns[noun] ?? noun} ${what.replaceAll("-", " ")}`.trim());
}

/** What it happened to, as people call it. */
export const subjectOf = ({ type, subject, data }: Pick<Event, "type" | "subject" | "data">): string =>
  type === "member.invited" && data["email"] === null ? "whoever has the link" : subject.name;

type Tone = "good" | "warn" | "bad" | "idle" | "busy";
const tones: Readonly<Record<string, Tone>> = {
  "server.online": "good",
  "server.offline": "bad",
  "server.quarantined": "warn",
  "webhook.disabled": "bad",
  "server.enrolled": "good",
  "server.released": "good",
  "server.revoked": "warn",
  "server.deleted": "warn",
};
export const toneOf = ({ type }: Pick<Event, "type">): Tone => tones[type] ?? "idle";

const pages: Readonly<Record<string, (subject: Event["subject"]) => string>> = {
  server: ({ id }) => `/servers/${id}`,
  group: ({ name }) => `/servers?q=${encodeURIComponent(`group:${/\s/.test(name) ? `"${name}"` : name}`)}`,
  webhook: ({ id }) => `/settings/webhooks/${id}`,
  team: ({ id }) => `/settings/teams/${id}`,
  user: ({ name }) => `/settings/members?q=${encodeURIComponent(name)}`,
  invitation: () => "/settings/members",
  role: () => "/settings/roles",
  token: () => "/settings/tokens",
  service: () => "/settings/tokens?show=accounts",
  "service-account": () => "/settings/tokens?show=accounts",
  "enrolment-token": () => "/settings/enrolment",
  organization: () => "/settings/organization",
};

/** The page of what an event is about; null when it has none, or not any more. */
export function hrefOf({ type, subject }: Pick<Event, "type" | "subject">): string | null {
  if (type.endsWith(".deleted") || type === "member.left" || !Object.hasOwn(pages, subject.kind)) return null;
  return pages[subject.kind]?.(subject) ?? null;
}

/**
 * What there is to say beyond type and subject, in a few words; empty for nothing.
 * @param nameOf a group's name by its id, null when it is not known
 */
export function detailOf({ data }: Pick<Event, "data">, nameOf: (id: string) => string | null = () => null): string {
  if (typeof data["reason"] === "string") return sentence(data["reason"]);
  if (typeof data["factor"] === "string") return `${data["factor"]} ${data["added"] === true ? "added" : "removed"}`;
  const { before, after } = data as { before?: unknown; after?: unknown };
  if (Array.isArray(after)) return `${plain(before, nameOf)} → ${plain(after, nameOf)}`;
  if (typeof after !== "object" || after === null) return "";
  const was = (before ?? {}) as Record<string, unknown>;
  return Object.entries(after)
    .filter(([name, value]) => JSON.stringify(was[name]) !== JSON.stringify(value))
    .map(([name, value]) => {
      const label = name.replace(/Id$/, "");
      const now = plain(value, nameOf);
      return was[name] === undefined || was[name] === null ? `${label}: ${now}` : `${label}: ${plain(was[name], nameOf)} → ${now}`;
    })
    .join(", ");
}

const isId = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;

/** A value as people read it: ids by their names, lists with commas, roles with where they are held. */
function plain(value: unknown, nameOf: (id: string) => string | null): string {
  if (value === null || value === undefined) return "none";
  if (typeof value === "string") return isId.test(value) ? (nameOf(value) ?? value.slice(0, 8)) : value || "none";
  if (Array.isArray(value)) return value.map((one) => plain(one, nameOf)).join(", ") || "none";
  const { role, scopeKind, scopeName } = value as { role?: unknown; scopeKind?: unknown; scopeName?: unknown };
  if (typeof role !== "string") return JSON.stringify(value);
  return scopeKind === "organization" ? role : `${role} of ${String(scopeName)}`;
}

/** Kinds of events that the list can be narrowed to, with the types behind each. */
export const filters = [
  ["", "Everything", ""],
  ["presence", "Servers online and offline", "server.online,server.offline"],
  ["servers", "Servers changed", "server.enrolled,server.updated,server.quarantined,server.released,server.revoked,server.deleted"],
  [
    "people",
    "People and access",
    "member.invited,member.joined,member.left,grants.changed,team.created,team.updated,team.deleted,role.created,role.updated,role.deleted,user.password-changed,user.factor-changed,user.disabled,user.enabled,user.administrator-changed",
  ],
  [
    "tokens",
    "Tokens and service accounts",
    "token.created,token.revoked,service-account.created,service-account.updated,service-account.deleted,enrolment-token.created,enrolment-token.revoked",
  ],
  ["groups", "Groups", "group.created,group.updated,group.deleted"],
  ["webhooks", "Webhooks", "webhook.created,webhook.updated,webhook.deleted,webhook.disabled"],
] as const;

/** What the chart above the list tells apart. */
export const series: readonly Series[] = [
  { label: "changes", color: "var(--bar)", kinds: null },
  { label: "online", color: "var(--good)", kinds: ["server.online", "server.released"] },
  { label: "offline or failing", color: "var(--bar-bad)", kinds: ["server.offline", "server.quarantined", "webhook.disabled"] },
];
