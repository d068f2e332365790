import type { Logger } from "pino";
import type { CheckpointKeeper } from "../../feature.ts";
import { readTaskKey } from "../../state/task-key.ts";
import { checkpointToWire } from "@devflow/rpc/audit-checkpoint";
import { fromWire, type KeptCheckpoint } from "./checkpoint.ts";
import { readCheckpointFile, writeCheckpointFile } from "./file.ts";
import { claims, judge, prune } from "./rules.ts";

export interface KeeperOptions {
  readonly stateDir: string;
  readonly log: Pick<Logger, "error" | "warn">;
  /** This machine's own clock; default Date.now. */
  readonly now?: () => number;
}

/** Keeps the audit checkpoints that the gateway gives, through restarts. A file that cannot be read is never written over. */
export async function createCheckpointKeeper({ stateDir, log, now = Date.now }: KeeperOptions): Promise<CheckpointKeeper> {
  let kept: KeptCheckpoint[] = [];
  let unreadable: string | null = null;
  let refused: string | null = null;
  try {
    const file = await readCheckpointFile(stateDir);
    kept = file.kept;
    if (file.damaged > 0) log.warn({ damaged: file.damaged }, "the file of audit checkpoints held damaged lines; they are left out");
  } catch (error) {
    unreadable = (error as Error).message;
    log.error({ err: error }, "audit checkpoints cannot be kept");
  }

  /** @returns why not; null when it was taken, or known already */
  async function take(offered: KeptCheckpoint | null): Promise<string | null> {
    if (unreadable !== null) return unreadable;
    if (offered === null) return "what the controller offers is no checkpoint";
    const verdict = judge(await readTaskKey(stateDir), kept.at(-1) ?? null, offered);
    if (!verdict.take) return verdict.refused;
    const next = prune([...kept, offered], now());
    try {
      await writeCheckpointFile(stateDir, next);
    } catch (error) {
      return `a checkpoint could not be stored: ${(error as Error).message}`;
    }
    kept = next;
    return null;
  }

  return {
    claims: () => claims(kept, Math.random()).map(checkpointToWire),
    async offered(message) {
      const before = kept.at(-1);
      const reason = await take(fromWire(message, now()));
      if (reason !== null && reason !== refused) log.error({ reason }, "an audit checkpoint of the controller was refused");
      refused = reason;
      return { held: before === undefined ? [] : [checkpointToWire(before)], refused: (reason ?? "").slice(0, 300) };
    },
    status: () => ({
      kept: kept.length,
      newest: summary(kept.at(-1)),
      oldest: summary(kept[0]),
      refused: refused ?? unreadable,
    }),
  };
}

const summary = (one: KeptCheckpoint | undefined) => (one === undefined ? null : { sequence: one.sequence, at: one.at });
