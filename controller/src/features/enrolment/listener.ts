import { createServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { fromBinary, toBinary, create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import {
  EnrolErrorSchema,
  EnrolRequestSchema,
  EnrolResponseSchema,
  RenewExpiredRequestSchema,
} from "@devflow/proto/enrolment/v1/enrolment";
import { getRequestListener } from "@hono/node-server";
import { Hono, type Context as HttpContext } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Context } from "../../platform/context.ts";
import { addressGroup } from "../../platform/address-group.ts";
import { createAddressLimits } from "../../platform/rpc/address-limits.ts";
import { enrolmentCredentials } from "./authority.ts";
import { enrol } from "./enrol.ts";
import { enrolCodeOf, enrolError } from "./enrol-error.ts";
import { installFiles } from "./install/files.ts";
import type { AgentPackage } from "./install/package.ts";
import { createRateLimit } from "./rate-limit.ts";
import { renewExpired } from "./renew-expired.ts";

const maxBodyBytes = 64 * 1024;
const protobuf = "application/x-protobuf";
const maxConnections = 2_000;
/** Of one address or /64: a rack behind one address gets in, and one peer that holds connections open keeps nobody else out. */
const maxConnectionsPerAddress = 500;

export interface EnrolmentListener {
  readonly port: number;
  close(): Promise<void>;
}

type Env = { Bindings: { incoming: { socket: { remoteAddress?: string | undefined } } } };

/** POST /v1/enrol and /v1/renew (proto enrolment.v1) and the install files, without the network around it. */
export function enrolmentApp(ctx: Context, agent?: AgentPackage): Hono<Env> {
  const app = new Hono<Env>();
  const now = () => ctx.clock.now();
  // Wide enough for a rack that is set up at once from behind one address.
  const posts = createRateLimit({ burst: 60, perMinute: 60, now });
  const gets = createRateLimit({ burst: 300, perMinute: 300, now });
  const addressOf = (c: HttpContext<Env>) => c.env.incoming.socket.remoteAddress ?? "";
  const refuse = (c: HttpContext<Env>, error: unknown) => {
    const { code, message, httpStatus } = enrolCodeOf(error);
    const log = { scope: "enrolment", address: addressOf(c), path: c.req.path, code };
    if (code === "internal") ctx.log.error({ ...log, err: error }, "an enrolment failed");
    else ctx.log.info({ ...log, detail: message }, "an enrolment was refused");
    return c.body(new Uint8Array(toBinary(EnrolErrorSchema, create(EnrolErrorSchema, { code, message }))), httpStatus as 400, {
      "content-type": protobuf,
      ...(code === "rate_limited" && { "retry-after": "60" }),
    });
  };

  app.use(async (c, next) => {
    const allow = c.req.method === "POST" ? posts : gets;
    if (allow(addressGroup(addressOf(c)))) return next();
    const error = enrolError("rate_limited", "Too many requests from this address. Wait a minute and try again.");
    return c.req.method === "POST" ? refuse(c, error) : c.text(`${error.message}\n`, 429, { "retry-after": "60" });
  });
  app.use(
    "/v1/*",
    bodyLimit({
      maxSize: maxBodyBytes,
      onError: (c) => refuse(c as HttpContext<Env>, enrolError("malformed", `The request is larger than ${maxBodyBytes} bytes.`)),
    }),
  );

  const post = <D extends DescMessage>(
    path: string,
    schema: D,
    verb: (request: MessageShape<D>, address: string) => ReturnType<typeof enrol>,
  ) =>
    app.post(path, async (c) => {
      try {
        if (c.req.header("content-type") !== protobuf) throw enrolError("malformed", `Expected content-type ${protobuf}.`);
        const answer = await verb(read(schema, new Uint8Array(await c.req.arrayBuffer())), addressOf(c));
        return c.body(new Uint8Array(toBinary(EnrolResponseSchema, create(EnrolResponseSchema, answer))), 200, {
          "content-type": protobuf,
        });
      } catch (error) {
        return refuse(c, error);
      }
    });
  post("/v1/enrol", EnrolRequestSchema, (request, address) => enrol({ ctx, input: { request, address } }));
  post("/v1/renew", RenewExpiredRequestSchema, (request, address) => renewExpired({ ctx, input: { request, address } }));

  app.route("/", installFiles(ctx, { agent, direct: true }) as unknown as Hono<Env>);
  app.notFound((c) => c.text("There is nothing here. Servers enrol at this port; the web UI is on another.\n", 404));
  return app;
}

function read<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    throw enrolError("malformed", `The request is not what proto devflow.enrolment.v1 says: ${(error as Error).message}`);
  }
}

/**
 * The enrolment listener: TLS without client certificates on gatewayHost:enrolPort.
 * Throws Error when the port cannot be had.
 */
export async function listenForEnrolment(ctx: Context, agent?: AgentPackage): Promise<EnrolmentListener> {
  const secure = async () => {
    const credentials = await enrolmentCredentials(ctx);
    return { cert: credentials.certificateChainPem, key: credentials.privateKeyPem, minVersion: "TLSv1.2" as const };
  };
  const app = enrolmentApp(ctx, agent);
  const server = createServer(
    {
      ...(await secure()),
      maxHeaderSize: 16 * 1024,
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 5_000,
      handshakeTimeout: 10_000,
      connectionsCheckingInterval: 5_000,
    },
    getRequestListener((request, env) => app.fetch(request, env as never), { overrideGlobalObjects: false }) as never,
  );
  const limits = createAddressLimits({
    total: maxConnections,
    unprovenPerAddress: maxConnectionsPerAddress,
    perAddress: maxConnectionsPerAddress,
  });
  // Before TLS looks at it, so that silent peers count too.
  server.prependListener("connection", (socket: Socket) => {
    const ticket = limits.admit(socket.remoteAddress ?? "");
    if (ticket === null) socket.destroy();
    else socket.once("close", ticket.released);
  });
  server.maxHeadersCount = 100;
  // A reader that takes nothing for a minute holds a file and a socket for nothing.
  server.setTimeout(60_000);
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  server.on("clientError", (_error, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) =>
      reject(
        new Error(
          cause.code === "EADDRINUSE"
            ? `Port ${ctx.config.enrolPort} is in use; end what listens there, or set DEVFLOW_ENROL_PORT to another port`
            : `Cannot listen for enrolment on ${ctx.config.gatewayHost}:${ctx.config.enrolPort}: ${cause.message}`,
          { cause },
        ),
      ),
    );
    server.listen({ host: ctx.config.gatewayHost, port: ctx.config.enrolPort }, resolve);
  });
  const renew = setInterval(() => {
    secure().then(
      (context) => server.setSecureContext(context),
      (error: unknown) => ctx.log.warn({ scope: "enrolment", err: error }, "could not look at the enrolment listener's certificate again"),
    );
  }, 3_600_000);
  renew.unref();
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      clearInterval(renew);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const force = setTimeout(() => server.closeAllConnections(), 2_000);
      await closed;
      clearTimeout(force);
    },
  };
}
