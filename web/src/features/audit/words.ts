import type { AuditContradiction, AuditEntry, AuditVerification } from "@devflow/api";
import type { Series } from "#ui/bars.ts";

const record = (value: unknown): Record<string, unknown> | null =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;

/** A value as a person reads it; "–" for none. */
export const plain = (value: unknown): string =>
  value === null || value === undefined ? "–" : typeof value === "string" ? value || "(empty)" : JSON.stringify(value);

export interface Change {
  readonly name: string;
  readonly before: string;
  readonly after: string;
  readonly changed: boolean;
}

/** Before and after field by field, what changed first; a value that has no fields is one called "value". */
export function changesOf({ before, after }: Pick<AuditEntry, "before" | "after">): Change[] {
  if (before === null && after === null) return [];
  const fielded = (before === null || record(before) !== null) && (after === null || record(after) !== null);
  const [was, is] = fielded ? [record(before) ?? {}, record(after) ?? {}] : [{ value: before }, { value: after }];
  return [...new Set([...Object.keys(was), ...Object.keys(is)])]
    .map((name) => ({
      name,
      before: plain(was[name]),
      after: plain(is[name]),
      changed: JSON.stringify(was[name]) !== JSON.stringify(is[name]),
    }))
    .toSorted((a, b) => Number(b.changed) - Number(a.changed));
}

/**
 * The name that a row's own data gives its target; else the one that it has by now, else the id, a long one by its beginning.
 * @param nameOf a server's name by its id, undefined when it is not known
 */
export function targetName(
  { target, before, after }: Pick<AuditEntry, "target" | "before" | "after">,
  nameOf: (serverId: string) => string | undefined = () => undefined,
): string {
  for (const data of [record(after), record(before)])
    for (const key of ["name", "email"]) if (typeof data?.[key] === "string" && data[key] !== "") return data[key];
  const now = target.kind === "server" ? nameOf(target.id) : undefined;
  if (now !== undefined) return now;
  return /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(target.id) ? target.id.slice(0, 8) : target.id;
}

const many = (n: number, one: string, more = `${one}s`) => `${n.toLocaleString("en-US")} ${n === 1 ? one : more}`;

/** What checking the chain came to, for people. */
export function verdict(result: AuditVerification): { tone: "good" | "warn" | "bad"; title: string; lines: string[] } {
  const { rows, unchained, checkedCheckpoints, unsignedCheckpoints, restores, problem } = result;
  const lines: string[] = [];
  if (problem !== null)
    lines.push(`${problem.reason}.`, `${many(rows, "row")} before it ${rows === 1 ? "was checked and fits" : "were checked and fit"}.`);
  if (unchained > 0)
    lines.push(`${many(unchained, "newer row")} ${unchained === 1 ? "gets its hash" : "get their hashes"} within a minute.`);
  lines.push(
    checkedCheckpoints > 0
      ? `${many(checkedCheckpoints, "signed checkpoint")} compared.`
      : "No signed checkpoint is on this controller: a cut-off end, or a log computed anew as a whole, would not show.",
  );
  if (unsignedCheckpoints > 0)
    lines.push(
      `${many(unsignedCheckpoints, "checkpoint")} not compared: not signed by this installation, or its key is not on this machine.`,
    );
  for (const { afterSequence, at } of restores)
    lines.push(
      `The database was put back to an older state: rows after ${afterSequence.toLocaleString("en-US")} of before ${at.slice(0, 16).replace("T", " ")} UTC are gone.`,
    );
  if (problem !== null) return { tone: "bad", title: `Row ${problem.sequence.toLocaleString("en-US")} does not fit`, lines };
  const title =
    rows === 0
      ? "There is no row to check yet"
      : rows === 1
        ? "The one row was checked and fits"
        : `All ${many(rows, "row")} were checked and fit`;
  return { tone: checkedCheckpoints === 0 || unsignedCheckpoints > 0 ? "warn" : "good", title, lines };
}

/** What servers hold against the log, for people; null: nothing. */
export function accusation(contradictions: readonly AuditContradiction[]): { title: string; lines: string[] } | null {
  const [first] = contradictions;
  if (first === undefined) return null;
  const servers = new Set(contradictions.map(({ server }) => server.id)).size;
  const lines = contradictions
    .slice(0, 3)
    .map(
      ({ server, sequence, reason }) => `${server.name} holds a signed checkpoint of row ${sequence.toLocaleString("en-US")}. ${reason}.`,
    );
  if (contradictions.length > 3) lines.push(`${many(contradictions.length - 3, "more row")} like that.`);
  lines.push(
    "Somebody changed the log, or the database was put back to an older state. After a restore from a backup, devflow admin after-restore accepts it.",
  );
  return {
    title: servers === 1 ? `Server ${first.server.name} contradicts the audit log` : `${servers} servers contradict the audit log`,
    lines,
  };
}

/** What the chart above the log tells apart. */
export const auditSeries: readonly Series[] = [
  { label: "done", color: "var(--bar)", kinds: ["done"] },
  { label: "refused", color: "var(--bar-warn)", kinds: ["refused"] },
];
