import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { AppError } from "@devflow/errors";
import { Hono } from "hono";
import { assets } from "../../../platform/assets.ts";
import type { Context } from "../../../platform/context.ts";
import { authorityFacts } from "../authority.ts";
import { hostOf, outsideAddresses, reachableHost } from "../install-command.ts";
import { type AgentPackage, createAgentPackage } from "./package.ts";
import { architectures, type Architecture, runtimeVersion } from "./runtime-pins.ts";
import { fillScript } from "./script.ts";

const text = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" };

/**
 * What install.sh needs, open to everybody since none of it is secret: /install.sh, /ca.pem, /agent/manifest.json,
 * /agent/bundle.gz, /agent/inventory.gz, /agent/<arch>/node.gz and /agent/<arch>/SHA256SUMS (lines of sha256sum; <arch>
 * is x64, arm64, or musl, which has no runtime). Errors are one line of text with the status.
 * @param options.direct on the enrolment listener itself: the host that a request used leads there
 */
export function installFiles(ctx: Context, options: { agent?: AgentPackage | undefined; direct?: boolean } = {}): Hono {
  const agent = options.agent ?? createAgentPackage(ctx);
  const app = new Hono();

  app.get("/install.sh", async (c) => {
    const facts = await authorityFacts(ctx);
    const start = await agent.start();
    const asked = c.req.header("host") ?? null;
    const script = fillScript(await readFile(assets.installScript, "utf8"), {
      host: (options.direct ? hostOf(asked) : null) ?? reachableHost(ctx.config.publicUrl, asked, outsideAddresses()),
      enrolPort: ctx.config.enrolPort,
      keyPin: facts.enrolmentKeyPin,
      caFingerprint: facts.caFingerprint,
      ...start,
    });
    return c.body(script, 200, { "content-type": "text/x-shellscript; charset=utf-8", "cache-control": "no-store" });
  });

  app.get("/ca.pem", async (c) => c.body((await authorityFacts(ctx)).rootPem, 200, { ...text, "content-type": "application/x-pem-file" }));

  app.get("/agent/manifest.json", async (c) => {
    const [start, ...bundles] = await Promise.all([agent.start(), agent.bundle(), agent.inventory()]);
    const [bundle, inventory] = bundles.map(({ sha256, contentSha256, gzipped }) => ({ sha256, contentSha256, sizeBytes: gzipped.length }));
    return c.json(
      {
        version: start.version,
        runtimeVersion,
        bundle: { path: "/agent/bundle.gz", ...bundle },
        inventory: { path: "/agent/inventory.gz", ...inventory },
        runtimes: architectures.map((architecture) => ({
          architecture,
          path: `/agent/${architecture}/node.gz`,
          sums: `/agent/${architecture}/SHA256SUMS`,
        })),
        runtimeFlags: start.runtimeFlags,
        environment: start.environment,
      },
      200,
      { "cache-control": "no-store" },
    );
  });

  for (const name of ["bundle", "inventory"] as const) {
    app.get(`/agent/${name}.gz`, async (c) => {
      const { gzipped } = await agent[name]();
      return c.body(new Uint8Array(gzipped), 200, {
        "content-type": "application/gzip",
        "content-length": String(gzipped.length),
        "cache-control": "no-store",
      });
    });
  }

  app.get("/agent/:arch/SHA256SUMS", async (c) => {
    const architecture = c.req.param("arch");
    const bundles = `${(await agent.bundle()).sha256}  bundle.gz\n${(await agent.inventory()).sha256}  inventory.gz\n`;
    if (architecture === "musl") return c.body(bundles, 200, text);
    const runtime = await agent.runtime(known(architecture));
    return c.body(`${bundles}${runtime.sha256}  node.gz\n`, 200, text);
  });

  app.get("/agent/:arch/node.gz", async (c) => {
    const runtime = await agent.runtime(known(c.req.param("arch")));
    const stream = Readable.toWeb(createReadStream(runtime.path)) as ReadableStream;
    return c.body(stream, 200, {
      "content-type": "application/gzip",
      "content-length": String(runtime.sizeBytes),
      "cache-control": "no-store",
    });
  });

  app.onError((error, c) => {
    const told = error instanceof AppError && error.code !== "internal" ? error : null;
    if (told === null || told.cause !== undefined)
      ctx.log.error({ scope: "enrolment.install", err: error, path: c.req.path }, "an install file could not be served");
    return c.body(`${told?.message ?? "The controller failed; its log says why."}\n`, (told?.httpStatus ?? 500) as 500, text);
  });
  return app;
}

function known(architecture: string): Architecture {
  const found = architectures.find((one) => one === architecture);
  if (found === undefined)
    throw new AppError("not_found", `There is no runtime for this architecture; there are ${architectures.join(" and ")}.`);
  return found;
}
