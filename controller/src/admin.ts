import type { Config } from "./config.ts";
import { afterRestore } from "./features/enrolment/index.ts";
import { ensureInstallation, makeDataDir, migrate, openDatabase } from "./platform/db/index.ts";
import { createLog } from "./platform/log/index.ts";

const usage = `devflow admin after-restore     after the database was put back to an older state; all controllers stopped
devflow admin forget-task-key   the file keys/task-signing.pem is lost for good: the next controller with the role signer makes another`;

/**
 * `devflow admin …`: work on the database without a running controller.
 * @returns the exit code: 0 done, 2 wrong use. Throws AppError with what to do.
 */
export async function admin(args: readonly string[], config: Config, say: (line: string) => void): Promise<number> {
  const [command] = args;
  if (args.length !== 1 || (command !== "after-restore" && command !== "forget-task-key")) {
    say(usage);
    return 2;
  }
  const log = createLog("warn");
  await makeDataDir(config.dataDir);
  // The embedded database refuses while a controller runs on the folder.
  const database = await openDatabase(config, log);
  try {
    await migrate({ target: database.directTarget, log });
    if (command === "forget-task-key") {
      await database.sql`update installation set task_signing_key_sha256 = null`;
      say(
        "The next controller that starts with the role signer says which key signs tasks. Servers that know the old one must be enrolled again.",
      );
      return 0;
    }
    const { defaultOrganizationId } = await ensureInstallation({ target: database.directTarget, log });
    const { epoch, sequences } = await afterRestore({ db: database.db, input: { defaultOrganizationId } });
    say(`The installation is in epoch ${epoch} now, and ${sequences.length} sequences were moved on.`);
    say(
      "Start the controllers. Servers that this database knows connect as before; others appear as quarantined and wait for you to release or delete them.",
    );
    return 0;
  } finally {
    await database.close();
  }
}
