import type { BulkUpdateServers, SavedView, ServerGroup, Tag, TagColor } from "@devflow/api";
import type { Machine } from "./machines.ts";
import { groupId } from "./group-of.ts";

/** Groups, colours of tags and saved views of the made-up organisation. */
export interface MockMarks {
  groups: ServerGroup[];
  colors: Map<string, { color: TagColor; description: string }>;
  views: SavedView[];
}

interface Answer {
  status: number;
  body?: unknown;
}
const at = "2026-11-01T08:00:00.000Z";
export function newMarks(): MockMarks {
  const group = (n: number, name: string, description: string): ServerGroup => ({
    id: groupId(n),
    name,
    description,
    team: null,
    servers: { total: 0, online: 0 },
    createdAt: at,
    updatedAt: at,
  });
  return {
    groups: [group(1, "Customer facing", "What people wait for"), group(2, "Edge", "Frankfurt and Amsterdam"), group(3, "Internal", "")],
    colors: new Map([
      ["prod", { color: "violet" as const, description: "In production" }],
      ["staging", { color: "amber" as const, description: "" }],
      ["postgres", { color: "blue" as const, description: "" }],
      ["edge", { color: "teal" as const, description: "" }],
    ]),
    views: [],
  };
}

/** The answer to a call about groups, tags, views or many servers; null for any other. */
export function marksAnswer(
  marks: MockMarks,
  machines: readonly Machine[],
  method: string,
  path: string,
  q: URLSearchParams,
  body: unknown,
): Answer | null {
  const ok = (answer: unknown): Answer => ({ status: 200, body: answer });
  if (path === "/teams") return ok({ items: [] });
  if (path === "/groups" && method === "GET") {
    const counted = marks.groups.map((group) => {
      const inside = machines.filter((m) => m.server.groupId === group.id);
      return { ...group, servers: { total: inside.length, online: inside.filter((m) => m.server.state === "online").length } };
    });
    return ok({ items: counted.toSorted((a, b) => a.name.localeCompare(b.name)) });
  }
  if (path === "/groups" && method === "POST") {
    const wanted = body as { name: string; description?: string };
    const group = { ...newMarks().groups[0]!, id: crypto.randomUUID(), name: wanted.name, description: wanted.description ?? "" };
    marks.groups.push(group);
    return { status: 201, body: group };
  }
  if (path === "/tags" && method === "GET") {
    const counts = new Map<string, number>([...marks.colors.keys()].map((name) => [name, 0]));
    for (const m of machines) for (const tag of m.server.tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    const items = [...counts].map(([name, servers]): Tag => ({
      name,
      servers,
      ...(marks.colors.get(name) ?? { color: "grey", description: "" }),
    }));
    return ok({ items: items.toSorted((a, b) => a.name.localeCompare(b.name)) });
  }
  if (path === "/tags" && method === "PATCH") {
    const name = q.get("name") ?? "";
    const wanted = body as { name?: string; color?: TagColor; description?: string };
    const had = machines.filter((m) => m.server.tags.includes(name));
    for (const m of had)
      m.server = { ...m.server, tags: [...new Set(m.server.tags.map((tag) => (tag === name ? (wanted.name ?? name) : tag)))] };
    marks.colors.delete(name);
    marks.colors.set(wanted.name ?? name, { color: wanted.color ?? "grey", description: wanted.description ?? "" });
    return ok({ tag: null, servers: had.length });
  }
  if (path === "/views" && method === "GET") return ok({ items: marks.views });
  if (path === "/views" && method === "POST") {
    const wanted = body as Pick<SavedView, "name" | "query"> & { shared?: boolean };
    const view = { id: crypto.randomUUID(), shared: false, ...wanted, mine: true, isDefault: false, mayChange: true, createdAt: at };
    marks.views.push(view);
    return { status: 201, body: view };
  }
  if (path === "/me/default-view") {
    const { viewId } = body as { viewId: string | null };
    marks.views = marks.views.map((view) => ({ ...view, isDefault: view.id === viewId }));
    return { status: 204 };
  }
  if (path === "/servers/bulk") {
    const { ids, addTags = [], removeTags = [], groupId: to } = body as BulkUpdateServers;
    for (const m of machines.filter((one) => ids.includes(one.server.id))) {
      const tags = [...new Set([...m.server.tags.filter((tag) => !removeTags.includes(tag)), ...addTags])];
      m.server = { ...m.server, tags, ...(to !== undefined && { groupId: to }) };
    }
    return ok({ changed: ids.length, items: ids.map((id) => ({ id, outcome: "changed" })) });
  }
  return null;
}
