import { access } from "node:fs/promises";
import type { Config } from "../config.ts";
import { afterRestore } from "../features/enrolment/index.ts";
import { acceptRestore, noteRestores } from "../platform/audit/restores.ts";
import { privateKeyPath } from "../platform/crypto/task-signing-key.ts";
import { ensureInstallation } from "../platform/db/index.ts";
import type { AdminCommand } from "./command.ts";

export const afterRestoreCommand: AdminCommand = {
  name: "after-restore",
  meaning: "after the database was put back to an older state; all controllers stopped",
  async run({ config, database, log, say }) {
    const { defaultOrganizationId } = await ensureInstallation({ target: database.directTarget, log });
    // Before sequences move on: where each log ends is what the older state has.
    const clock = { now: () => Date.now() };
    const restores = (await canSign(config)) ? await acceptRestore({ ctx: { ...database, config, clock } }) : null;
    const { epoch, sequences } = await afterRestore({ db: database.db, input: { defaultOrganizationId } });
    if (restores !== null) await noteRestores({ ...database, restores });
    say(`The installation is in epoch ${epoch} now, and ${sequences.length} sequences were moved on.`);
    say(
      "Start the controllers. Servers that this database knows connect as before; others appear as quarantined and wait for you to release or delete them.",
    );
    say(
      restores === null
        ? "The task-signing key is not on this machine, so it could not be noted that the audit log is an older one: servers will contradict it. Run this once where the role signer runs."
        : "What servers hold of the audit log from before now, behind its present end, is accepted as lost; each organisation's log says so.",
    );
    return 0;
  },
};

/** Whether the key is here: one that is made now would be the wrong one. */
const canSign = (config: Config): Promise<boolean> =>
  config.roles.has("signer")
    ? access(privateKeyPath(config)).then(
        () => true,
        () => false, // told below
      )
    : Promise.resolve(false);
