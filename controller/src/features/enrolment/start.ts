import type { Context } from "../../platform/context.ts";
import type { Stop } from "../../platform/feature.ts";
import { authority } from "./authority.ts";
import { listenForEnrolment } from "./listener.ts";
import { startLocalAgent } from "./local-agent/index.ts";

/** Role "gateway": makes the certification authority at the first start, opens the enrolment listener, runs this machine's agent. */
export async function startEnrolment(ctx: Context): Promise<Stop | undefined> {
  if (!ctx.config.roles.has("gateway")) return undefined;
  await authority(ctx);
  const listener = await listenForEnrolment(ctx);
  ctx.log.info({ scope: "enrolment", port: listener.port }, "listening for servers that enrol");
  const stopAgent = ctx.config.localAgent && process.platform === "linux" ? startLocalAgent(ctx) : null;
  return async () => {
    await stopAgent?.();
    await listener.close();
  };
}
