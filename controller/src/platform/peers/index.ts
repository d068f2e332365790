import type { ProcessBus } from "../bus/index.ts";
import type { Context } from "../context.ts";
import { databaseUnavailable } from "../db/index.ts";
import type { Stop } from "../stop.ts";
import { gauge } from "../observability/index.ts";
import { followFrames } from "./frames-client.ts";
import { serveFrames } from "./frames-server.ts";
import { confirmController, type Controller, removeController } from "./registry.ts";
import { sharedKey } from "./shared-key.ts";

const confirmMs = 10_000;

/**
 * Makes this process one of the controllers of its database: it is on their list, a gateway passes live frames to
 * those whose browsers watch, and a process with browsers gets them. Call it when the gateway's and the web's parts
 * listen to the bus. Throws AppError precondition_failed when it cannot listen.
 */
export async function joinControllers(ctx: Context, bus: ProcessBus): Promise<Stop> {
  const { log, config } = ctx;
  const key = sharedKey(ctx.masterKey, ctx.installation.id);
  const { host, port } = config.internalListen;
  const server = config.roles.has("gateway") ? await serveFrames({ bus, key, host, port, log }) : null;
  const client = config.roles.has("web") ? followFrames({ bus, key, log }) : null;
  const internalAddress = server === null ? null : `${host.includes(":") ? `[${host}]` : host}:${server.port}`;
  let others: readonly Controller[] = [];
  gauge("devflow_controllers", "Controller processes on this database", (g) => g.set(others.length + 1));

  let turn: Promise<void> = Promise.resolve();
  const confirm = async (): Promise<void> => {
    const answer = await confirmController({ ctx, input: { internalAddress } });
    others = answer.others;
    client?.follow(others);
    if (answer.changed) bus.emit("controllers.changed", {});
  };
  /** One after the other, so that an older answer never comes last. */
  const again = (): void => {
    turn = turn.then(confirm).catch((error: unknown) => {
      if (databaseUnavailable(error) === undefined)
        log.error({ scope: "peers", err: error }, "cannot tell other controllers that this one is there");
    });
  };
  try {
    await confirm();
  } catch (error) {
    await server?.close();
    throw error;
  }
  const offs = [bus.on("controllers.changed", (_event, origin) => origin !== null && again()), bus.on("bus.resumed", again)];
  const timer = setInterval(again, confirmMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    for (const off of offs) off();
    await turn;
    client?.close();
    await server?.close();
    await removeController(ctx).then(
      () => bus.emit("controllers.changed", {}),
      (error: unknown) => log.debug({ scope: "peers", err: error }, "this controller stays on the list until the others remove it"),
    );
  };
}
