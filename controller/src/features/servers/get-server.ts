import type { Server } from "@devflow/api";
import { AppError } from "@devflow/errors";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { serversById } from "./list-servers.ts";
import { serverReach } from "./within-reach.ts";

/** One server with state and newest values. Throws AppError not_found, also for another organisation's server. */
export async function getServer({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: { serverId: string };
}): Promise<Server> {
  const [server] = await serversById(ctx, principal.organizationId, serverReach(principal), [input.serverId]);
  if (server === undefined) throw new AppError("not_found", "There is no such server");
  return server;
}
