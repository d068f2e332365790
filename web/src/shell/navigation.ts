import Building2 from "@lucide/svelte/icons/building-complex";
import CircleUser from "@lucide/svelte/icons/circle-user";
import Folder from "@lucide/svelte/icons/folder";
import Fingerprint from "@lucide/svelte/icons/fingerprint-pattern";
import Globe from "@lucide/svelte/icons/globe";
import History from "@lucide/svelte/icons/rotate-ccw-clock";
import KeyRound from "@lucide/svelte/icons/key-round";
import Mail from "@lucide/svelte/icons/mail";
import ScrollText from "@lucide/svelte/icons/scroll-text";
import Server from "@lucide/svelte/icons/server";
import ShieldCheck from "@lucide/svelte/icons/shield-check";
import Tag from "@lucide/svelte/icons/tag";
import Ticket from "@lucide/svelte/icons/ticket";
import UserRound from "@lucide/svelte/icons/user-round";
import Users from "@lucide/svelte/icons/users";
import Webhook from "@lucide/svelte/icons/webhook";
import type { Permission } from "@devflow/api";
import type { Component } from "svelte";

export interface Place {
  readonly label: string;
  readonly href: string;
  readonly icon: Component<{ class?: string }>;
  /** Second key after "g". */
  readonly key: string;
  readonly group: "" | "Organisation" | "Installation" | "You";
  /** Shown to who has it in the whole organisation; without it to everybody. */
  readonly permission?: Permission;
}

/** Every page of the navigation and the palette; a feature's page gets its line here. */
export const places: readonly Place[] = [
  { label: "Servers", href: "/servers", icon: Server, key: "s", group: "" },
  { label: "Events", href: "/events", icon: History, key: "v", group: "" },
  { label: "Members", href: "/settings/members", icon: UserRound, key: "m", group: "Organisation" },
  { label: "Teams", href: "/settings/teams", icon: Users, key: "a", group: "Organisation" },
  { label: "Roles", href: "/settings/roles", icon: ShieldCheck, key: "r", group: "Organisation" },
  { label: "Groups", href: "/settings/groups", icon: Folder, key: "u", group: "Organisation" },
  { label: "Tags", href: "/settings/tags", icon: Tag, key: "l", group: "Organisation" },
  { label: "Enrolment", href: "/settings/enrolment", icon: Ticket, key: "e", group: "Organisation" },
  { label: "API tokens", href: "/settings/tokens", icon: KeyRound, key: "t", group: "Organisation" },
  { label: "Webhooks", href: "/settings/webhooks", icon: Webhook, key: "w", group: "Organisation" },
  { label: "Audit log", href: "/settings/audit", icon: ScrollText, key: "c", group: "Organisation", permission: "audit.read" },
  { label: "Organisation", href: "/settings/organization", icon: Building2, key: "o", group: "Organisation" },
  { label: "Mail", href: "/settings/mail", icon: Mail, key: "k", group: "Installation" },
  { label: "Outgoing addresses", href: "/settings/outgoing", icon: Globe, key: "d", group: "Installation" },
  { label: "Sign-in", href: "/settings/sign-in", icon: Fingerprint, key: "i", group: "Installation" },
  { label: "Profile", href: "/settings/profile", icon: CircleUser, key: "p", group: "You" },
];

/** Whether a place is for somebody, by what they may do in the whole organisation. */
export const isFor = ({ permission }: Place, who: { may(permission: Permission, groupId: null): boolean }): boolean =>
  permission === undefined || who.may(permission, null);

/** Whether a place's page or one below it is open. */
export const isOpen = (place: Place, pathname: string): boolean => pathname === place.href || pathname.startsWith(`${place.href}/`);
