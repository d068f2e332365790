import SlidersHorizontal from "@lucide/svelte/icons/sliders-horizontal";
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
import UsersRound from "@lucide/svelte/icons/users-round";
import Webhook from "@lucide/svelte/icons/webhook";
import type { Me, Permission } from "@devflow/api";
import { permissionTable } from "@devflow/api/permission-table";
import type { Component } from "svelte";

export interface Place {
  readonly label: string;
  readonly href: string;
  readonly icon: Component<{ class?: string }>;
  /** Second key after "g". */
  readonly key: string;
  readonly group: "" | "Organisation" | "Installation" | "You";
  /** Shown to who has it; without one to everybody who is signed in. */
  readonly permission?: Permission;
  /** Whether it is enough to have the permission for a part of the organisation. */
  readonly inPart?: true;
}

/** Every page of the side bar, the phone bar, the palette and the "g" keys; a feature's page gets its line here. */
export const places: readonly Place[] = [
  { label: "Servers", href: "/servers", icon: Server, key: "s", group: "", permission: "servers.read", inPart: true },
  { label: "Events", href: "/events", icon: History, key: "v", group: "", permission: "events.read", inPart: true },
  { label: "Members", href: "/settings/members", icon: UserRound, key: "m", group: "Organisation", permission: "members.read" },
  { label: "Teams", href: "/settings/teams", icon: Users, key: "a", group: "Organisation", permission: "members.read", inPart: true },
  { label: "Roles", href: "/settings/roles", icon: ShieldCheck, key: "r", group: "Organisation", permission: "members.read" },
  { label: "Groups", href: "/settings/groups", icon: Folder, key: "u", group: "Organisation", permission: "servers.read", inPart: true },
  { label: "Tags", href: "/settings/tags", icon: Tag, key: "l", group: "Organisation", permission: "servers.read", inPart: true },
  {
    label: "Enrolment",
    href: "/settings/enrolment",
    icon: Ticket,
    key: "e",
    group: "Organisation",
    permission: "servers.enrol",
    inPart: true,
  },
  { label: "API tokens", href: "/settings/tokens", icon: KeyRound, key: "t", group: "Organisation" },
  { label: "Webhooks", href: "/settings/webhooks", icon: Webhook, key: "w", group: "Organisation", permission: "webhooks.manage" },
  { label: "Audit log", href: "/settings/audit", icon: ScrollText, key: "c", group: "Organisation", permission: "audit.read" },
  { label: "Organisation", href: "/settings/organization", icon: Building2, key: "o", group: "Organisation" },
  { label: "General", href: "/settings/installation", icon: SlidersHorizontal, key: "n", group: "Installation" },
  { label: "Users", href: "/settings/users", icon: UsersRound, key: "h", group: "Installation" },
  { label: "Mail", href: "/settings/mail", icon: Mail, key: "k", group: "Installation" },
  { label: "Outgoing addresses", href: "/settings/outgoing", icon: Globe, key: "d", group: "Installation" },
  { label: "Sign-in", href: "/settings/sign-in", icon: Fingerprint, key: "i", group: "Installation" },
  { label: "Profile", href: "/settings/profile", icon: CircleUser, key: "p", group: "You" },
];

/** Who looks; `me` null while that is not known yet. */
export interface Visitor {
  readonly me: Pick<Me, "installationAdministrator"> | null;
  /** groupId null: for the whole organisation; left out: for any part of it. */
  may(permission: Permission, groupId?: null): boolean;
}

/** Whether a place is for somebody. Until it is known who looks: what everybody may who belongs to an organisation. */
function isFor({ group, permission, inPart }: Place, who: Visitor): boolean {
  if (group === "Installation") return who.me?.installationAdministrator === true;
  if (permission === undefined) return true;
  if (who.me === null) return permissionTable[permission].role === "view";
  return inPart ? who.may(permission) : who.may(permission, null);
}

/** The places for somebody, in their order: all that leads to pages draws from these. */
export const placesFor = (who: Visitor): readonly Place[] => places.filter((place) => isFor(place, who));

/** Whether a place's page or one below it is open. */
export const isOpen = (place: Place, pathname: string): boolean => pathname === place.href || pathname.startsWith(`${place.href}/`);
