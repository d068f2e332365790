import { loadMasterKey, rotateOrganizationKeys, rotationGraceMs } from "../platform/crypto/index.ts";
import { sealedColumns } from "../sealed-columns.ts";
import type { AdminCommand } from "./command.ts";
import { sayUnopened } from "./say-unopened.ts";

export const rotateKeyCommand: AdminCommand = {
  name: "rotate-key",
  meaning: "new data keys for all organisations; what the old ones sealed is sealed again. May be interrupted and run again",
  async run({ config, database, say }) {
    const { organizations, resealed, unopened } = await rotateOrganizationKeys({
      target: database.directTarget,
      masterKey: await loadMasterKey(config),
      columns: sealedColumns,
      // The embedded database is ours alone while this runs.
      graceMs: config.databaseUrl === null ? 0 : rotationGraceMs,
      say,
    });
    say(`${organizations} organisations have a new data key, and ${resealed} secrets were sealed again.`);
    if (unopened.length > 0) say("The old data keys stay, since of these secrets nothing could be made:");
    return sayUnopened(unopened, say);
  },
};
