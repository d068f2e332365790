import { expect, it } from "vitest";
import { accusation, changesOf, targetName, verdict } from "./words.ts";

it("sets before and after side by side, what changed first", () => {
  expect(changesOf({ before: { name: "a", tags: ["x"] }, after: { name: "a", tags: [] } })).toEqual([
    { name: "tags", before: '["x"]', after: "[]", changed: true },
    { name: "name", before: "a", after: "a", changed: false },
  ]);
  expect(changesOf({ before: null, after: { times: 3 } })).toEqual([{ name: "times", before: "–", after: "3", changed: true }]);
  expect(changesOf({ before: ["a"], after: { b: 1 } })).toEqual([{ name: "value", before: '["a"]', after: '{"b":1}', changed: true }]);
  expect(changesOf({ before: null, after: null })).toEqual([]);
});

it("names a target by its data, else by its id", () => {
  const id = "0198c0de-0000-7000-8000-000000000001";
  expect(targetName({ target: { kind: "server", id }, before: { name: "old" }, after: { note: "x" } })).toBe("old");
  expect(targetName({ target: { kind: "server", id }, before: null, after: null })).toBe("0198c0de");
  expect(targetName({ target: { kind: "setting", id: "mail" }, before: null, after: null })).toBe("mail");
});

it("says what servers hold against the log", () => {
  const at = "2026-11-20T10:00:00.000Z";
  const one = { sequence: 1500, at, toldAt: at, server: { id: "a", name: "web-1" }, reason: "Rows are gone" };
  expect(accusation([])).toBeNull();
  expect(accusation([one])).toMatchObject({
    title: "Server web-1 contradicts the audit log",
    lines: [expect.stringContaining("row 1,500"), expect.any(String)],
  });
  const many = accusation(["a", "b", "c", "d"].map((id) => ({ ...one, server: { id, name: id } })));
  expect(many).toMatchObject({ title: "4 servers contradict the audit log" });
  expect(many?.lines[3]).toBe("1 more row like that.");
});

it("says what verifying came to", () => {
  const fine = { rows: 1203, unchained: 1, checkedCheckpoints: 4, unsignedCheckpoints: 0, contradictions: [], restores: [], problem: null };
  expect(verdict(fine)).toEqual({
    tone: "good",
    title: "All 1,203 rows were checked and fit",
    lines: ["1 newer row gets its hash within a minute.", "4 signed checkpoints compared."],
  });
  expect(verdict({ ...fine, checkedCheckpoints: 0 }).tone).toBe("warn");
  expect(verdict({ ...fine, restores: [{ afterSequence: 900, at: "2026-11-20T10:00:00.000Z" }] }).lines.at(-1)).toBe(
    "The database was put back to an older state: rows after 900 of before 2026-11-20 10:00 UTC are gone.",
  );
  const broken = verdict({ ...fine, rows: 499, unchained: 0, problem: { sequence: 500, reason: "It was changed" } });
  expect(broken).toMatchObject({ tone: "bad", title: "Row 500 does not fit" });
  expect(broken.lines.slice(0, 2)).toEqual(["It was changed.", "499 rows before it were checked and fit."]);
});
