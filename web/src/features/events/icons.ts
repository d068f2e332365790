import type { Event } from "@devflow/api";
import Building2 from "@lucide/svelte/icons/building-complex";
import CircleUser from "@lucide/svelte/icons/circle-user";
import Folder from "@lucide/svelte/icons/folder";
import KeyRound from "@lucide/svelte/icons/key-round";
import History from "@lucide/svelte/icons/rotate-ccw-clock";
import Server from "@lucide/svelte/icons/server";
import ShieldCheck from "@lucide/svelte/icons/shield-check";
import Ticket from "@lucide/svelte/icons/ticket";
import UserRound from "@lucide/svelte/icons/user-round";
import Users from "@lucide/svelte/icons/users";
import Webhook from "@lucide/svelte/icons/webhook";
import type { Component } from "svelte";

/** As the navigation draws the pages of the same things. */
const icons: Readonly<Record<string, Component<{ class?: string }>>> = {
  server: Server,
  group: Folder,
  member: UserRound,
  user: CircleUser,
  team: Users,
  role: ShieldCheck,
  grants: ShieldCheck,
  token: KeyRound,
  "service-account": KeyRound,
  "enrolment-token": Ticket,
  webhook: Webhook,
  organization: Building2,
};

/** The icon of what an event is about. */
export const iconOf = ({ type }: Pick<Event, "type">) => icons[type.slice(0, type.indexOf("."))] ?? History;
