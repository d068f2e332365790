/** Real things that answers told of, so that later requests can name them. */
export interface Pool {
  /** Looks through an answer of GET or POST at that path ("/api/v1/servers", "/api/v1/groups/{id}/grants"). */
  harvest(path: string, body: unknown): void;
  /** Ids for a path parameter in front of which stands `parent`, newest last. */
  idsUnder(parent: string): readonly string[];
  /** Ids for a field: "groupId", "teamIds", or any when its name tells nothing. */
  idsFor(field: string): readonly string[];
  /** Text that answers held in a field of that name: names that are taken, codes that are waited for. */
  seenAs(field: string): readonly string[];
  /** Before a list is read again: what it no longer holds is gone. */
  forget(path: string): void;
  cursors(path: string): readonly string[];
  readonly etags: readonly string[];
  addEtag(etag: string): void;
}

const keptEach = 20;
const singular = (noun: string) => noun.replace(/ies$/, "y").replace(/s$/, "");

export function createPool(): Pool {
  const lists = new Map<string, string[]>();
  const keep = (key: string, value: string) => {
    const known = lists.get(key) ?? [];
    if (known.includes(value)) return;
    lists.set(key, [...known.slice(1 - keptEach), value]);
  };
  const idOf = (value: unknown, names: readonly string[] = ["id"]) => {
    if (typeof value !== "object" || value === null) return null;
    const id = names.map((name) => (value as Record<string, unknown>)[name]).find((text) => typeof text === "string");
    return typeof id === "string" && id.length > 0 && id.length <= 100 ? id : null;
  };
  const noun = (path: string) =>
    singular(
      path
        .split("/")
        .filter((part) => !part.startsWith("{"))
        .at(-1) ?? "",
    );
  /** Every { groupId: "…" } and { group: { id: "…" } } anywhere in an answer. */
  const walk = (value: unknown, depth = 0) => {
    if (typeof value !== "object" || value === null || depth > 6) return;
    for (const [name, inner] of Object.entries(value)) {
      if (typeof inner === "string" && inner.length <= 300 && !Array.isArray(value)) keep(`seen ${name}`, inner);
      if (typeof inner === "string" && /[a-z]Id$/.test(name)) keep(`noun ${name.slice(0, -2).toLowerCase()}`, inner);
      const id = idOf(inner);
      if (id !== null && !Array.isArray(value)) keep(`noun ${singular(name).toLowerCase()}`, id);
      walk(inner, depth + 1);
    }
  };
  const etags: string[] = [];
  return {
    harvest(path, body) {
      walk(body);
      if (typeof body !== "object" || body === null) return;
      const { nextCursor } = body as { nextCursor?: unknown };
      if (typeof nextCursor === "string") keep(`cursor ${path}`, nextCursor);
      // A list, a thing that was made, or a thing that was made beside its secret.
      const candidates = Object.values(body).flatMap((value): unknown[] => (Array.isArray(value) ? value : [value]));
      for (const id of [body, ...candidates].map((thing) => idOf(thing, ["id", "userId", "name"]))) {
        if (id === null) continue;
        keep(`under ${path}`, id);
        keep(`noun ${noun(path).toLowerCase()}`, id);
      }
    },
    idsUnder: (parent) => lists.get(`under ${parent}`) ?? lists.get(`noun ${noun(parent).toLowerCase()}`) ?? [],
    seenAs: (field) => lists.get(`seen ${field}`) ?? [],
    forget(path) {
      lists.delete(`under ${path}`);
      lists.delete(`noun ${noun(path).toLowerCase()}`);
    },
    idsFor(field) {
      const name = singular(field.replace(/Ids?$/, "")).toLowerCase();
      return lists.get(`noun ${name}`) ?? [...lists].filter(([key]) => key.startsWith("noun ")).flatMap(([, ids]) => ids);
    },
    cursors: (path) => lists.get(`cursor ${path}`) ?? [],
    etags,
    addEtag(etag) {
      if (!etags.includes(etag)) etags.push(etag);
      if (etags.length > keptEach) etags.shift();
    },
  };
}
