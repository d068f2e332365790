import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { AuditVerification } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { chainAudit } from "../platform/audit/chain.ts";
import { type Checkpoint, isSigned, readCheckpoint } from "../platform/audit/checkpoints.ts";
import { verifyAudit } from "../platform/audit/verify.ts";
import { taskSigningPublicKey } from "../platform/crypto/index.ts";
import type { AdminCommand } from "./command.ts";

const takes = "[--organization ID] [--checkpoint FILE]";

export const verifyAuditCommand: AdminCommand = {
  name: "verify-audit",
  takes,
  meaning: "checks the audit log's chain and checkpoints, with FILE also those that a server holds; exit code 1 when a row does not fit",
  async run({ args, config, database: { sql }, say }) {
    const asked = readArguments(args);
    if (asked === null) {
      say(`devflow admin verify-audit ${takes}`);
      return 2;
    }
    const held = asked.checkpoint === undefined ? [] : await readHeld(asked.checkpoint);
    await chainAudit({ ctx: { sql } });
    const organizations = await sql<{ id: string; name: string }[]>`
      select id, name from organizations ${asked.organization === undefined ? sql`` : sql`where id::text = ${asked.organization}`} order by created_at`;
    if (organizations.length === 0) throw new AppError("not_found", `There is no organisation ${asked.organization}`);
    let code = 0;
    const bad = (line: string): void => {
      say(line);
      code = 1;
    };
    for (const { id, name } of organizations) {
      const its = held.filter(({ organizationId }) => organizationId === id);
      const result = await verifyAudit({ ctx: { sql, config }, input: { organizationId: id, held: its } });
      const { problem } = result;
      if (problem === null) say(`ok      ${name} (${id}): ${counts(result)}`);
      else bad(`BROKEN  ${name} (${id}) at row ${problem.sequence}: ${problem.reason}`);
      for (const { server, sequence, reason } of result.contradictions)
        bad(`SERVER  ${server.name} (${server.id}) contradicts row ${sequence}: ${reason}. ${meaning}`);
      for (const { afterSequence, at } of result.restores)
        say(`note    ${name}: the database was put back to an older state; rows after ${afterSequence} of before ${at} are gone`);
    }
    if (asked.checkpoint !== undefined) {
      const publicSpki = await taskSigningPublicKey(config);
      const unsigned = held.filter((one) => !isSigned(publicSpki, one)).length;
      if (unsigned > 0)
        bad(`FILE    ${unsigned} of ${held.length} checkpoints of ${asked.checkpoint} are not signed by this installation's key`);
      const known = new Set(organizations.map(({ id }) => id));
      const foreign = held.filter(({ organizationId }) => !known.has(organizationId)).length;
      if (foreign > 0)
        bad(`FILE    ${foreign} of ${held.length} checkpoints of ${asked.checkpoint} are of an organisation that was not looked at`);
    }
    return code;
  },
};

const meaning = "Somebody changed the log, or the database was put back to an older state without devflow admin after-restore";

const counts = ({ rows, checkedCheckpoints, unchained }: AuditVerification): string =>
  `${rows} rows, ${checkedCheckpoints} checkpoints${unchained > 0 ? `, ${unchained} without a hash yet` : ""}`;

function readArguments(args: readonly string[]): { organization?: string | undefined; checkpoint?: string | undefined } | null {
  try {
    const text = { type: "string" } as const;
    return parseArgs({ args: [...args], options: { organization: text, checkpoint: text } }).values;
  } catch {
    return null; // the usage tells what is expected
  }
}

/** What `devflow-agent audit-checkpoints` printed. Throws AppError invalid naming the line that is none. */
async function readHeld(path: string): Promise<Checkpoint[]> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new AppError("invalid", `${path} cannot be read: ${cause.code}`, { cause });
  });
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines.length === 0)
    throw new AppError("invalid", `${path} holds no checkpoint: expected what devflow-agent audit-checkpoints prints`);
  return lines.map((line, i) => {
    const checkpoint = readCheckpoint(line);
    if (checkpoint === null)
      throw new AppError("invalid", `${path}: line ${i + 1} is no checkpoint; expected what devflow-agent audit-checkpoints prints`);
    return checkpoint;
  });
}
