import type { Client, components } from "@devflow/client";
import { Failure } from "./failure.ts";

export type ServerGroup = components["schemas"]["ServerGroup"];

/** The group that is meant by a name or an id. Throws Failure, DevFlowError. */
export async function findGroup(client: Client, nameOrId: string): Promise<ServerGroup> {
  const { items } = await client.get("/api/v1/groups");
  const wanted = nameOrId.toLowerCase();
  const found = items.find(({ id, name }) => id === wanted || name.toLowerCase() === wanted);
  if (found === undefined) throw new Failure("notFound", `There is no group "${nameOrId}"`, "devflow groups list shows all");
  return found;
}
