import type { Event } from "@devflow/api";

const areas = {
  server: "Servers",
  group: "Groups",
  member: "Members",
  team: "Teams",
  role: "Roles",
  grants: "Roles",
  token: "API tokens",
  "enrolment-token": "Enrolment",
  user: "People",
  webhook: "Webhooks",
  organization: "Organisation",
} as const;

/** What a type says of its subject: "server.quarantined" → "quarantined", "user.password-changed" → "password changed". */
export const whatHappened = (type: string): string => type.slice(type.indexOf(".") + 1).replaceAll("-", " ");

/** The part of the product that an event is about, for people. */
export function areaOf({ type }: Pick<Event, "type">): string {
  const noun = type.slice(0, type.indexOf("."));
  return Object.hasOwn(areas, noun) ? areas[noun as keyof typeof areas] : noun;
}

type Tone = "good" | "warn" | "bad" | "idle" | "busy";
const tones: Readonly<Record<string, Tone>> = {
  "server.online": "good",
  "server.offline": "bad",
  "server.quarantined": "warn",
  "webhook.disabled": "bad",
  "server.enrolled": "good",
  "server.released": "good",
};
export const toneOf = ({ type }: Pick<Event, "type">): Tone => tones[type] ?? "idle";

/** The page of what an event is about; null when it has none, or not any more. */
export function hrefOf({ type, subject }: Pick<Event, "type" | "subject">): string | null {
  if (type.endsWith(".deleted")) return null;
  if (subject.kind === "server") return `/servers/${subject.id}`;
  if (subject.kind === "webhook") return `/settings/webhooks/${subject.id}`;
  if (subject.kind === "team") return `/settings/teams/${subject.id}`;
  if (subject.kind === "token") return "/settings/tokens";
  if (subject.kind === "enrolment-token") return "/settings/enrolment";
  return null;
}

/** What there is to say beyond type and subject, in a few words; empty for nothing. */
export function detailOf({ data }: Pick<Event, "data">): string {
  if (typeof data["reason"] === "string") return data["reason"];
  const { before, after } = data as { before?: Record<string, unknown>; after?: Record<string, unknown> };
  if (typeof after !== "object" || after === null) return "";
  return Object.entries(after)
    .filter(([name, value]) => JSON.stringify(before?.[name]) !== JSON.stringify(value))
    .map(([name, value]) => {
      const was = before?.[name];
      return was === undefined || was === null ? `${name}: ${plain(value)}` : `${name}: ${plain(was)} → ${plain(value)}`;
    })
    .join(", ");
}

const plain = (value: unknown): string =>
  typeof value === "string"
    ? value
    : Array.isArray(value)
      ? value.map(plain).join(", ") || "none"
      : value === null
        ? "none"
        : JSON.stringify(value);

/** Kinds of events that the list can be narrowed to, with the types behind each. */
export const filters = [
  ["", "Everything", ""],
  ["presence", "Servers online and offline", "server.online,server.offline"],
  ["servers", "Servers changed", "server.enrolled,server.updated,server.quarantined,server.released,server.revoked,server.deleted"],
  [
    "people",
    "People and access",
    "member.invited,member.joined,member.left,grants.changed,team.created,team.updated,team.deleted,role.created,role.updated,role.deleted,user.password-changed,user.factor-changed",
  ],
  ["tokens", "Tokens", "token.created,token.revoked,enrolment-token.created,enrolment-token.revoked"],
  ["webhooks", "Webhooks", "webhook.created,webhook.updated,webhook.deleted,webhook.disabled"],
] as const;
