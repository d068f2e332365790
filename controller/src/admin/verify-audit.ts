import { AppError } from "@devflow/errors";
import { chainAudit } from "../platform/audit/chain.ts";
import { verifyAudit } from "../platform/audit/verify.ts";
import type { AdminCommand } from "./command.ts";

export const verifyAuditCommand: AdminCommand = {
  name: "verify-audit",
  takes: "[--organization ID]",
  meaning: "checks the audit log's chain and checkpoints; exit code 1 when a row does not fit",
  async run({ args, config, database: { sql }, say }) {
    const [flag, wanted] = args;
    if (args.length !== 0 && (args.length !== 2 || flag !== "--organization")) {
      say("devflow admin verify-audit [--organization ID]");
      return 2;
    }
    await chainAudit({ ctx: { sql } });
    const organizations = await sql<{ id: string; name: string }[]>`
      select id, name from organizations ${wanted === undefined ? sql`` : sql`where id::text = ${wanted}`} order by created_at`;
    if (organizations.length === 0) throw new AppError("not_found", `There is no organisation ${wanted}`);
    let code = 0;
    for (const { id, name } of organizations) {
      const { rows, unchained, checkedCheckpoints, problem } = await verifyAudit({ ctx: { sql, config }, input: { organizationId: id } });
      const counts = `${rows} rows, ${checkedCheckpoints} checkpoints${unchained > 0 ? `, ${unchained} without a hash yet` : ""}`;
      say(
        problem === null ? `ok      ${name} (${id}): ${counts}` : `BROKEN  ${name} (${id}) at row ${problem.sequence}: ${problem.reason}`,
      );
      if (problem !== null) code = 1;
    }
    return code;
  },
};
