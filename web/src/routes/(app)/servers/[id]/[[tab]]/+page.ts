import { error } from "@sveltejs/kit";
import { tabs } from "#features/servers/tabs.ts";

export function load({ params }: { params: { id: string; tab?: string } }): { id: string; tab: string } {
  const tab = params.tab ?? "";
  if (!tabs.some(([key]) => key === tab)) error(404, "There is no such tab.");
  return { id: params.id, tab };
}
