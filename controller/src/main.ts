import { pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";
import { banner } from "./banner.ts";
import { type Config, readConfig } from "./config.ts";
import { features } from "./features.ts";
import { gatewayCredentials, identifyAgent } from "./features/enrolment/index.ts";
import { trustedProxies } from "./platform/auth/address.ts";
import { createBus, joinDatabaseBus } from "./platform/bus/index.ts";
import type { Context } from "./platform/context.ts";
import { checkKeys, loadMasterKey, taskSigningPublicKey } from "./platform/crypto/index.ts";
import { ensureInstallation, makeDataDir, migrate, openDatabase } from "./platform/db/index.ts";
import type { Stop } from "./platform/feature.ts";
import { listenWeb } from "./platform/http/server.ts";
import { createJobs } from "./platform/jobs/index.ts";
import { createLog, withoutValues } from "./platform/log/index.ts";
import { giveBackMemory } from "./platform/observability/give-back-memory.ts";
import { joinControllers } from "./platform/peers/index.ts";
import { createGateway } from "./platform/rpc/index.ts";
import { createWeb } from "./web.ts";

const neededNode = 24;
const drainMs = 4_000;
const stopMs = 10_000;

export interface Controller {
  readonly ctx: Context;
  readonly ports: { readonly web: number | null; readonly gateway: number | null };
  /** What to print for people. */
  readonly banner: string;
  /** Ends what is running, in order, so that nothing that was acknowledged is lost. */
  stop(): Promise<void>;
}

/**
 * Starts the roles of `config`: database → schema → parts → listeners. Throws Error or AppError with what to do; what
 * was started until then is stopped again.
 */
export async function startController(config: Config): Promise<Controller> {
  const log = createLog(config.logLevel);
  // Read once more where it is used; here so that a wrong one is told before anything starts.
  trustedProxies(config.trustedProxies);
  const stops: Stop[] = [];
  const stop = async () => {
    for (const end of stops.splice(0).toReversed()) {
      try {
        await end();
      } catch (error) {
        log.error({ err: error }, "a part could not be stopped cleanly");
      }
    }
  };
  try {
    await makeDataDir(config.dataDir);
    const database = await openDatabase(config, log);
    stops.push(() => database.close());
    await migrate({ target: database.directTarget, log });
    const target = database.directTarget;
    const masterKey = await loadMasterKey(config);
    const installation = await ensureInstallation({ target, log });
    await checkKeys({ target, log, config, masterKey });
    const bus = createBus((error) => log.error({ err: error }, "a part failed while it was told of an event"));
    const ctx: Context = {
      config,
      log,
      sql: database.sql,
      db: database.db,
      bus,
      masterKey,
      installation,
      clock: { now: () => Date.now() },
    };
    // The embedded database serves this process alone.
    const isShared = config.databaseUrl !== null;
    if (isShared) stops.push(await joinDatabaseBus({ bus, sql: database.sql, target, masterKey, log }));
    for (const feature of features) {
      const end = await feature.start?.(ctx);
      if (end !== undefined) stops.push(end);
    }
    if (config.roles.has("worker")) {
      const jobs = createJobs({ target, log });
      for (const feature of features) feature.jobs?.(jobs, ctx);
      await jobs.start();
      stops.push(() => jobs.stop());
    }
    const gatewayPort = config.roles.has("gateway") ? await startGateway(ctx, stops) : null;
    const web = config.roles.has("web") ? await createWeb(ctx, features) : null;
    if (web !== null) stops.push(() => web.close());
    // When all parts hear the bus, and before anybody can watch.
    if (isShared) stops.push(await joinControllers(ctx, bus));
    let webPort: number | null = null;
    if (web !== null) {
      const listener = await listenWeb(ctx, web.api);
      stops.push(() => listener.close());
      webPort = listener.port;
      if (web.setupCode !== null) log.info({ scope: "users" }, "no user yet: open the printed link to make the first administrator");
    }
    log.info({ web: webPort, gateway: gatewayPort }, "listening");
    return { ctx, ports: { web: webPort, gateway: gatewayPort }, banner: banner(config, webPort, web?.setupCode ?? null), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The agents' port with the services of all features; its certificate is looked at again each hour. */
async function startGateway(ctx: Context, stops: Stop[]): Promise<number> {
  await taskSigningPublicKey(ctx.config); // every Welcome names it; refuse to start rather than refuse every agent
  const identifier = identifyAgent(ctx);
  stops.push(async () => identifier.close());
  const gateway = createGateway({
    id: ctx.bus.id,
    credentials: await gatewayCredentials(ctx),
    identify: (certificate) => identifier.identify(certificate),
    log: ctx.log,
  });
  for (const feature of features) feature.gateway?.(gateway, ctx);
  const port = await gateway.listen(ctx.config.gatewayHost, ctx.config.gatewayPort);
  const renew = setInterval(() => {
    gatewayCredentials(ctx).then(
      (credentials) => gateway.setCredentials(credentials),
      (error: unknown) => ctx.log.warn({ err: error }, "could not look at the gateway's certificate again"),
    );
  }, 3_600_000);
  renew.unref();
  stops.push(async () => {
    clearInterval(renew);
    await gateway.drain(drainMs);
  });
  return port;
}

/**
 * An agent's connection is mostly memory outside of JavaScript's heap (TLS, HTTP/2). By default V8 collects the whole
 * heap whenever that grew by a third, some twenty times while a fleet comes back; so it is to count as the heap does.
 */
const heapFlags = "--external-memory-accounted-in-global-limit";

/** Runs until a signal; the exit code is 0 after a clean stop, 1 when it could not start. */
async function main(): Promise<void> {
  if (Number(process.versions.node.split(".")[0]) < neededNode) {
    process.stderr.write(
      `DevFlow needs Node ${neededNode} or later and this is ${process.version}. Start it with npm start, which brings its own.\n`,
    );
    process.exit(1);
  }
  setFlagsFromString(heapFlags);
  let controller: Controller;
  try {
    const [command, ...args] = process.argv.slice(2);
    if (command === "admin") {
      const { admin } = await import("./admin.ts");
      process.exit(await admin(args, readConfig(process.env), (line) => void process.stdout.write(`${line}\n`)));
    }
    controller = await startController(readConfig(process.env));
  } catch (thrown) {
    const error = withoutValues(thrown);
    process.stderr.write(
      `${process.argv[2] === "admin" ? "Nothing was changed." : "DevFlow was not started."}\n${error instanceof Error ? error.message : String(error)}\n`,
    );
    if (process.env["DEVFLOW_LOG_LEVEL"] === "debug") process.stderr.write(`${(error as Error).stack}\n`);
    process.exit(1);
  }
  process.stdout.write(controller.banner);
  giveBackMemory();
  let stopping = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      // A second signal means that somebody will not wait.
      if (stopping) process.exit(1);
      stopping = true;
      controller.ctx.log.info({ signal }, "stopping");
      setTimeout(() => {
        controller.ctx.log.error(`not stopped after ${stopMs / 1000} s; leaving`);
        process.exit(1);
      }, stopMs).unref();
      void controller.stop().then(() => process.exit(0));
    });
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
