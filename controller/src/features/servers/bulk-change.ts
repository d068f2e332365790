import { maxServerTags } from "@devflow/api";

export interface Marks {
  readonly tags: readonly string[];
  readonly groupId: string | null;
}
export interface BulkChange {
  readonly addTags?: readonly string[] | undefined;
  readonly removeTags?: readonly string[] | undefined;
  readonly groupId?: string | null | undefined;
}

/**
 * What a server's tags and group are after a change; null when nothing is different. A tag that is added and removed
 * at once is there afterwards. What it has keeps its order, new tags come behind.
 */
export function bulkChange(before: Marks, { addTags = [], removeTags = [], groupId }: BulkChange): Marks | "too_many_tags" | null {
  const kept = before.tags.filter((tag) => !removeTags.includes(tag) || addTags.includes(tag));
  const tags = [...kept, ...addTags.filter((tag) => !kept.includes(tag))];
  // Somebody who only takes tags away is never refused.
  if (tags.length > maxServerTags && tags.length > before.tags.length) return "too_many_tags";
  const after = { tags, groupId: groupId === undefined ? before.groupId : groupId };
  const same = after.groupId === before.groupId && tags.length === before.tags.length && tags.every((tag, i) => tag === before.tags[i]);
  return same ? null : after;
}
