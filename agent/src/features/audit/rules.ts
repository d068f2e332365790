import type { KeyObject } from "node:crypto";
import { isSigned, type KeptCheckpoint } from "./checkpoint.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** So long the last one of each hour is kept, afterwards the last one of each day. */
const hourlyMs = 48 * hourMs;
/** About 400 days and two days of hours; 330 bytes a line. */
export const maxKept = 450;

/** What to do with a checkpoint that was offered. */
export type Verdict = { readonly take: boolean; readonly refused: string | null };

/**
 * A log only grows: what comes must be signed by the pinned key, be of the same organisation, and neither go back nor
 * put another hash in the place of a known one. Whoever took the controller over cannot talk an agent out of what it holds.
 * @param held the newest that is held; null: none yet, and the first one settles the organisation
 */
export function judge(pinned: KeyObject | null, held: KeptCheckpoint | null, offered: KeptCheckpoint): Verdict {
  const refuse = (refused: string): Verdict => ({ take: false, refused });
  if (pinned === null) return refuse("no task-signing key was pinned at enrolment, so no checkpoint can be believed");
  if (!isSigned(pinned, offered)) return refuse(`the checkpoint at row ${offered.sequence} is not signed by the pinned key`);
  if (held === null) return { take: true, refused: null };
  if (offered.organizationId !== held.organizationId)
    return refuse(`the checkpoint is of organisation ${offered.organizationId}, and this server's is ${held.organizationId}`);
  if (offered.sequence < held.sequence)
    return refuse(`the controller's log went back to row ${offered.sequence}; row ${held.sequence} of ${held.at} is held here`);
  if (offered.sequence > held.sequence) return { take: true, refused: null };
  if (offered.hash === held.hash) return { take: false, refused: null };
  return refuse(`row ${held.sequence} has another hash than at ${held.at}`);
}

/**
 * What stays: the last one of each of the last 48 hours in which one came, then of each day, 450 in all. Hours and days
 * go by this machine's clock, which nobody at the controller can turn: filling the file with new ones pushes none out.
 * @param kept in the order in which they came, which is the order of sequence
 */
export function prune(kept: readonly KeptCheckpoint[], nowMs: number): KeptCheckpoint[] {
  const last = new Map<string, KeptCheckpoint>();
  for (const checkpoint of kept) {
    const ms = Date.parse(checkpoint.receivedAt);
    const bucket = nowMs - ms < hourlyMs ? `hour ${Math.floor(ms / hourMs)}` : `day ${Math.floor(ms / dayMs)}`;
    last.set(bucket, checkpoint);
  }
  const newest = kept.at(-1);
  if (newest !== undefined) last.set("newest", newest);
  return [...new Set(last.values())].toSorted((a, b) => a.sequence - b.sequence).slice(-maxKept);
}

/**
 * What a greeting hands over: the newest, the oldest, and any one between, so that over time each is looked at.
 * @param random 0 ≤ random < 1
 */
export function claims(kept: readonly KeptCheckpoint[], random: number): KeptCheckpoint[] {
  const some = [kept.at(-1), kept[0], kept[Math.floor(random * kept.length)]];
  return [...new Set(some.filter((one) => one !== undefined))];
}
