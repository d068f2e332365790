/** Tabs of a server's page; the first has no name in the address. */
export const tabs = [
  ["", "Overview"],
  ["disks", "Disks"],
  ["network", "Network"],
  ["inventory", "Inventory"],
  ["events", "Events"],
  ["settings", "Settings"],
] as const;
