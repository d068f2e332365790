import type { Server } from "@devflow/api";

/** A row of the list: a heading, or a server below one. */
export interface Entry {
  /** Unique in the list; a server stands below each of its tags. */
  readonly key: string;
  /** Null for a heading. */
  readonly id: string | null;
  readonly heading: string;
  /** Servers below a heading. */
  readonly count: number;
}
export type By = "group" | "tag" | null;

export const readBy = (text: string | null): By => (text === "group" || text === "tag" ? text : null);

/** Rows in their order below headings by name; servers without a group or tag come last. */
export function entriesOf(
  ids: readonly string[],
  by: By,
  get: (id: string) => Server | undefined,
  groupName: (id: string) => string | null,
): Entry[] {
  if (by === null) return ids.map((id) => ({ key: id, id, heading: "", count: 0 }));
  const below = new Map<string, string[]>();
  for (const id of ids) {
    const server = get(id);
    const found = by === "tag" ? server?.tags : [server?.groupId == null ? "" : (groupName(server.groupId) ?? "")];
    for (const heading of found?.length ? found : [""]) {
      const inside = below.get(heading);
      if (inside === undefined) below.set(heading, [id]);
      else inside.push(id);
    }
  }
  const headings = [...below.keys()].toSorted((a, b) => (a === "" ? 1 : b === "" ? -1 : a.localeCompare(b)));
  return headings.flatMap((heading) => {
    const inside = below.get(heading) as string[];
    return [
      { key: `h:${heading}`, id: null, heading: heading || (by === "tag" ? "No tag" : "No group"), count: inside.length },
      ...inside.map((id) => ({ key: `${heading}/${id}`, id, heading, count: 0 })),
    ];
  });
}
