import { existsSync } from "node:fs";
import {
  changeMasterKey,
  loadMasterKey,
  loadNextMasterKey,
  masterKeyPath,
  nextMasterKeyPath,
  replaceKeyFile,
} from "../platform/crypto/index.ts";
import { sealedColumns } from "../sealed-columns.ts";
import type { AdminCommand } from "./command.ts";
import { sayUnopened } from "./say-unopened.ts";

export const changeMasterKeyCommand: AdminCommand = {
  name: "change-master-key",
  meaning: "another master key, DEVFLOW_NEW_SECRET_KEY or a new file; all controllers stopped. May be interrupted and run again",
  async run({ config, database, log, say }) {
    const isFile = config.secretKey === null;
    const from = await loadMasterKey(config);
    const to = await loadNextMasterKey(config);
    const { changed, rewrapped, unopened } = await changeMasterKey({
      target: database.directTarget,
      log,
      columns: sealedColumns,
      from,
      to,
    });
    say(changed ? `${rewrapped} keys and secrets are wrapped by the new master key.` : "The database has the new master key already.");
    if (isFile) {
      // After the commit: until then the old file opens everything, and a run that died in between ends here.
      const path = masterKeyPath(config);
      if (existsSync(nextMasterKeyPath(config))) await replaceKeyFile(path, nextMasterKeyPath(config), `${path}.old`);
      say(`${path} is the new key. The one before is ${path}.old, for backups that were made under it; move it to where those are kept.`);
    } else say("Start the controllers with the new key as DEVFLOW_SECRET_KEY, and keep the old one for as long as backups made under it.");
    say("Everybody signs in again.");
    return sayUnopened(unopened, say);
  },
};
