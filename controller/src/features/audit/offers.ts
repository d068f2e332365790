import type { AuditCheckpoint } from "@devflow/proto/audit/v1/audit";
import { type Checkpoint, checkpointColumns } from "../../platform/audit/checkpoints.ts";
import type { Context } from "../../platform/context.ts";
import { checkpointToWire } from "@devflow/rpc/audit-checkpoint";

const slotMs = 60_000;
const slots = 60;
/** An agent is given one that is so much newer: an hour, less what signing each minute may be early or late. */
const gapMs = (slots - 2) * slotMs;
const freshMs = 10_000;

/** What an agent holds, as far as this gateway knows. */
export interface Held {
  readonly sequence: number;
  /** When it was signed. */
  readonly atMs: number;
}

export interface Offered {
  readonly held: Held;
  readonly checkpoint: AuditCheckpoint;
}

/** The newest signed ends of all organisations, for this gateway's agents. */
export interface Offers {
  /** Reads all ends, one query for everybody who asks within 10 s. */
  refresh(): Promise<void>;
  /** What an agent of an organisation is to be given; null: nothing. */
  forAgent(organizationId: string, held: Held | null): Offered | null;
  /** Whether an agent's minute of the hour has come since the pass before; each agent keeps its own. */
  beginPass(): (serverId: string) => boolean;
}

export function createOffers({ sql, clock }: Pick<Context, "sql" | "clock">): Offers {
  let ends = new Map<string, Offered>();
  let lastSlot = Math.floor(clock.now() / slotMs);
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | null = null;
  async function read(): Promise<void> {
    const rows = await sql<Checkpoint[]>`select ${checkpointColumns(sql)} from audit_ends`;
    ends = new Map(
      rows.map((row): [string, Offered] => {
        const known = ends.get(row.organizationId);
        if (known?.held.sequence === row.sequence && known.held.atMs === Date.parse(row.at)) return [row.organizationId, known];
        return [row.organizationId, { held: { sequence: row.sequence, atMs: Date.parse(row.at) }, checkpoint: checkpointToWire(row) }];
      }),
    );
    readAt = clock.now();
  }
  return {
    async refresh() {
      if (clock.now() - readAt >= freshMs) await (reading ??= read().finally(() => (reading = null)));
    },
    forAgent(organizationId, held) {
      const newest = ends.get(organizationId);
      if (newest === undefined) return null;
      if (held === null) return newest;
      return newest.held.sequence !== held.sequence && newest.held.atMs - held.atMs >= gapMs ? newest : null;
    },
    beginPass() {
      const now = Math.floor(clock.now() / slotMs);
      // A pass that came late makes up for the minutes that it missed.
      const passed = Math.min(slots, Math.max(1, now - lastSlot));
      lastSlot = now;
      return (serverId) => (now - (Number.parseInt(serverId.slice(0, 8), 16) % slots) + slots * slots) % slots < passed;
    },
  };
}
