import { afterRestoreCommand } from "./admin/after-restore.ts";
import { changeMasterKeyCommand } from "./admin/change-master-key.ts";
import type { AdminCommand } from "./admin/command.ts";
import { rotateKeyCommand } from "./admin/rotate-key.ts";
import { verifyAuditCommand } from "./admin/verify-audit.ts";
import type { Config } from "./config.ts";
import { makeDataDir, migrate, openDatabase } from "./platform/db/index.ts";
import { createLog } from "./platform/log/index.ts";

const forgetTaskKeyCommand: AdminCommand = {
  name: "forget-task-key",
  meaning: "the file keys/task-signing.pem is lost for good: the next controller with the role signer makes another",
  async run({ database, say }) {
    await database.sql`update installation set task_signing_key_sha256 = null`;
    say(
      "The next controller that starts with the role signer says which key signs tasks. Servers that know the old one must be enrolled again.",
    );
    return 0;
  },
};

const commands = [afterRestoreCommand, forgetTaskKeyCommand, rotateKeyCommand, changeMasterKeyCommand, verifyAuditCommand];

const usage = commands.map(({ name, meaning }) => `devflow admin ${name.padEnd(18)} ${meaning}`).join("\n");

/**
 * `devflow admin …`: work on the database without a running controller.
 * @returns the exit code: 0 done, 1 something was found, 2 wrong use. Throws AppError with what to do.
 */
export async function admin(args: readonly string[], config: Config, say: (line: string) => void): Promise<number> {
  const [name, ...rest] = args;
  const command = commands.find((one) => one.name === name);
  if (command === undefined || (rest.length > 0 && command.takes === undefined)) {
    say(usage);
    return 2;
  }
  const log = createLog("warn");
  await makeDataDir(config.dataDir);
  // The embedded database refuses while a controller runs on the folder.
  const database = await openDatabase(config, log);
  try {
    await migrate({ target: database.directTarget, log });
    return await command.run({ args: rest, config, database, log, say });
  } finally {
    await database.close();
  }
}
