import type { Context } from "../../platform/context.ts";
import type { Stop } from "../../platform/feature.ts";
import { authority } from "./authority.ts";
import { listenForEnrolment } from "./listener.ts";

/** Role "gateway": makes the certification authority at the first start and opens the enrolment listener. */
export async function startEnrolment(ctx: Context): Promise<Stop | undefined> {
  if (!ctx.config.roles.has("gateway")) return undefined;
  await authority(ctx);
  const listener = await listenForEnrolment(ctx);
  ctx.log.info({ scope: "enrolment", port: listener.port }, "listening for servers that enrol");
  return () => listener.close();
}
