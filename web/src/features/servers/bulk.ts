import type { BulkUpdateServers, Server } from "@devflow/api";

export type Change = Omit<BulkUpdateServers, "ids">;

/** At most so many ids a call. */
const CALL = 1_000;
export const inCalls = ({ ids, ...change }: BulkUpdateServers): BulkUpdateServers[] =>
  Array.from({ length: Math.ceil(ids.length / CALL) }, (_, i) => ({ ids: ids.slice(i * CALL, (i + 1) * CALL), ...change }));

/**
 * The changes that bring servers back to what they were; those with the same way back go together.
 * @param before the servers that a change did change, as they were
 */
export function undoOf(before: readonly Server[], { addTags = [], removeTags = [], groupId }: Change): BulkUpdateServers[] {
  const ways = new Map<string, BulkUpdateServers>();
  for (const server of before) {
    const added = addTags.filter((tag) => !server.tags.includes(tag));
    const removed = removeTags.filter((tag) => server.tags.includes(tag) && !addTags.includes(tag));
    const back: Change = {
      ...(added.length > 0 && { removeTags: added }),
      ...(removed.length > 0 && { addTags: removed }),
      ...(groupId !== undefined && groupId !== server.groupId && { groupId: server.groupId }),
    };
    if (Object.keys(back).length === 0) continue;
    const key = JSON.stringify(back);
    ways.set(key, { ids: [...(ways.get(key)?.ids ?? []), server.id], ...back });
  }
  return [...ways.values()].flatMap(inCalls);
}
