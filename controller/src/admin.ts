import type { Config } from "./config.ts";
import { afterRestore } from "./features/enrolment/index.ts";
import { ensureInstallation, makeDataDir, migrate, openDatabase } from "./platform/db/index.ts";
import { createLog } from "./platform/log/index.ts";

const usage = `devflow admin after-restore   after the database was put back to an older state; all controllers stopped`;

/**
 * `devflow admin …`: work on the database without a running controller.
 * @returns the exit code: 0 done, 2 wrong use. Throws AppError with what to do.
 */
export async function admin(args: readonly string[], config: Config, say: (line: string) => void): Promise<number> {
  if (args.length !== 1 || args[0] !== "after-restore") {
    say(usage);
    return 2;
  }
  const log = createLog("warn");
  await makeDataDir(config.dataDir);
  // The embedded database refuses while a controller runs on the folder.
  const database = await openDatabase(config, log);
  try {
    await migrate({ target: database.directTarget, log });
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
