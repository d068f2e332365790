import CircleUser from "@lucide/svelte/icons/circle-user";
import KeyRound from "@lucide/svelte/icons/key-round";
import Server from "@lucide/svelte/icons/server";
import Ticket from "@lucide/svelte/icons/ticket";
import type { Component } from "svelte";

export interface Place {
  readonly label: string;
  readonly href: string;
  readonly icon: Component<{ class?: string }>;
  /** Second key after "g". */
  readonly key: string;
  readonly group: "" | "Organisation" | "You";
}

/** Every page of the navigation and the palette; a feature's page gets its line here. */
export const places: readonly Place[] = [
  { label: "Servers", href: "/servers", icon: Server, key: "s", group: "" },
  { label: "Enrolment", href: "/settings/enrolment", icon: Ticket, key: "e", group: "Organisation" },
  { label: "API tokens", href: "/settings/tokens", icon: KeyRound, key: "t", group: "Organisation" },
  { label: "Profile", href: "/settings/profile", icon: CircleUser, key: "p", group: "You" },
];

/** Whether a place's page or one below it is open. */
export const isOpen = (place: Place, pathname: string): boolean => pathname === place.href || pathname.startsWith(`${place.href}/`);
