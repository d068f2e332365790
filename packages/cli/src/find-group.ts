import type { Client, components } from "@devflow/client";
import { pick } from "./pick.ts";

export type ServerGroup = components["schemas"]["ServerGroup"];

/** The group that is meant by a name or an id. Throws Failure, DevFlowError. */
export const findGroup = async (client: Client, nameOrId: string): Promise<ServerGroup> =>
  pick((await client.get("/api/v1/groups")).items, nameOrId, "group", "devflow groups list");
