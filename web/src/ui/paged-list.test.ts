import { describe, expect, it } from "vitest";
import { PagedList } from "./paged-list.svelte.ts";

const rows = (...ids: string[]) => ids.map((id) => ({ id }));
/** Answers in the order in which the test wants them. */
function source() {
  const asked: { query: string; cursor: string | undefined; answer: (ids: string[], next: string | null) => void; fail: () => void }[] = [];
  const list = new PagedList<{ id: string }, string>(
    (query, cursor) =>
      new Promise((resolve, reject) =>
        asked.push({
          query,
          cursor,
          answer: (ids, nextCursor) => resolve({ items: rows(...ids), nextCursor }),
          fail: () => reject(new Error("no")),
        }),
      ),
    "",
    ({ id }) => id,
  );
  return { asked, list };
}

describe("PagedList", () => {
  it("goes on where the page before ended, without a row twice", async () => {
    const { asked, list } = source();
    const first = list.open("a");
    asked[0]!.answer(["1", "2"], "after 2");
    await first;
    expect(list.more).toBe(true);
    const next = list.loadMore();
    void list.loadMore();
    expect(asked).toHaveLength(2);
    expect(asked[1]).toMatchObject({ query: "a", cursor: "after 2" });
    asked[1]!.answer(["2", "3"], null);
    await next;
    expect(list.items).toEqual(rows("1", "2", "3"));
    expect(list.more).toBe(false);
  });

  it("drops what an earlier query answers later", async () => {
    const { asked, list } = source();
    const first = list.open("a");
    const second = list.open("b");
    asked[1]!.answer(["b"], null);
    await second;
    asked[0]!.answer(["a"], "more");
    await first;
    expect(list.items).toEqual(rows("b"));
    expect(list.more).toBe(false);
  });

  it("keeps the rows when further ones fail, and can try again", async () => {
    const { asked, list } = source();
    const first = list.open("a");
    asked[0]!.answer(["1"], "next");
    await first;
    const next = list.loadMore();
    asked[1]!.fail();
    await next;
    expect(list.items).toEqual(rows("1"));
    expect(list.error?.message).toBe("no");
    const again = list.retry();
    asked[2]!.answer(["2"], null);
    await again;
    expect(list.items).toEqual(rows("1", "2"));
    expect(list.error).toBeNull();
  });

  it("keeps the rows while it looks again", async () => {
    const { asked, list } = source();
    const first = list.open("a");
    asked[0]!.answer(["1"], null);
    await first;
    const again = list.load();
    expect(list.items).toEqual(rows("1"));
    asked[1]!.answer(["0", "1"], null);
    await again;
    expect(list.items).toEqual(rows("0", "1"));
  });
});
