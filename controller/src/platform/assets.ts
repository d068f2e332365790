import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of this module: controller/src/platform as source, dist/controller as bundle. */
const here = fileURLToPath(new URL(".", import.meta.url));
const fromSource = basename(here) === "platform";
const top = fromSource ? join(here, "../../..") : join(here, "../..");

/**
 * Folders that the controller reads beside its own code, the same whether it runs as source or as bundle
 * (scripts/build.ts lays them out): SQL migrations, the built web pages, the agent's package for other servers, install.sh.
 */
export const assets = {
  migrations: fromSource ? join(top, "controller/migrations") : join(here, "migrations"),
  web: join(top, "web/build"),
  agent: join(top, "dist/agent"),
  /** The command-line client as one file. */
  cli: join(top, "dist/cli/devflow.mjs"),
  /** Served with this controller's values filled in. */
  installScript: fromSource ? join(top, "install.sh") : join(here, "install.sh"),
} as const;
