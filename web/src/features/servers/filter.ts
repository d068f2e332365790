import type { Server } from "@devflow/api";
import { memoryPercent } from "./values.ts";

/** A piece of the filter as it stands in the box; pieces joined give the text back. */
export interface Token {
  readonly text: string;
  readonly kind: "space" | "word" | "rule" | "wrong";
}

type Test = (server: Server) => boolean;
export interface Filter {
  readonly tokens: readonly Token[];
  readonly test: Test;
  /** Why a piece is wrong, in words; null when all is well. */
  readonly problem: string | null;
}

const numbers: Record<string, (s: Server) => number | null> = {
  cpu: (s) => s.latest?.cpuPercent ?? null,
  memory: (s) => memoryPercent(s.latest),
  mem: (s) => memoryPercent(s.latest),
  disk: (s) => s.latest?.diskUsedPercent ?? null,
  load: (s) => s.latest?.load1 ?? null,
  rtt: (s) => s.roundTripMs,
};
/** Name of a group by its id. */
export type GroupName = (id: string) => string | null;
const noNames: GroupName = () => null;

const texts: Record<string, (s: Server, groupName: GroupName) => readonly (string | null)[]> = {
  tag: (s) => s.tags,
  group: (s, groupName) => [s.groupId === null ? "none" : groupName(s.groupId)],
  state: (s) => [s.state],
  os: (s) => [s.osName],
  name: (s) => [s.name],
  host: (s) => [s.hostname],
  agent: (s) => [s.agentVersion],
  warning: (s) => s.warnings.map((w) => w.code),
};
const exact = new Set(["tag", "group", "state", "warning"]);
export const filterKeys: readonly string[] = [...Object.keys(texts), ...Object.keys(numbers).filter((k) => k !== "mem")];

const compare: Record<string, (a: number, b: number) => boolean> = {
  ">": (a, b) => a > b,
  "<": (a, b) => a < b,
  ">=": (a, b) => a >= b,
  "<=": (a, b) => a <= b,
  "=": (a, b) => Math.round(a) === b,
};

function parse(word: string, groupName: GroupName): { test: Test; kind: Token["kind"]; problem?: string } {
  if (word.startsWith("-") && word.length > 1) {
    const inner = parse(word.slice(1), groupName);
    return { ...inner, test: (s) => !inner.test(s) };
  }
  const number = /^([a-z]+)(>=|<=|>|<|=)(.*)$/.exec(word);
  const read = number?.[1] === undefined ? undefined : numbers[number[1]];
  if (number && read) {
    const wanted = Number(number[3]?.replace("%", ""));
    if (number[3] === "" || Number.isNaN(wanted))
      return { test: () => true, kind: "wrong", problem: `${number[1]} takes a number: ${number[1]}>80` };
    const holds = compare[number[2] as string] as (a: number, b: number) => boolean;
    return {
      kind: "rule",
      test: (s) => {
        const v = read(s);
        return v !== null && holds(v, wanted);
      },
    };
  }
  const text = /^([a-z]+):(.*)$/.exec(word);
  const values = text?.[1] === undefined ? undefined : texts[text[1]];
  if (text && values) {
    const wanted = (text[2] ?? "").replaceAll('"', "").toLowerCase().split(",").filter(Boolean);
    if (wanted.length === 0) return { test: () => true, kind: "rule" };
    const same = exact.has(text[1] as string);
    const matches = (v: string) => wanted.some((one) => (same ? v === one : v.includes(one)));
    return { kind: "rule", test: (s) => values(s, groupName).some((v) => v !== null && matches(v.toLowerCase())) };
  }
  if (text?.[1] !== undefined)
    return { test: () => false, kind: "wrong", problem: `"${text[1]}:" is not known; use ${filterKeys.join(", ")}` };
  const wanted = word.replaceAll('"', "").toLowerCase();
  return {
    kind: "word",
    test: (s) =>
      s.name.toLowerCase().includes(wanted) ||
      s.hostname.toLowerCase().includes(wanted) ||
      (s.osName?.toLowerCase().includes(wanted) ?? false) ||
      s.tags.some((t) => t.toLowerCase().includes(wanted)),
  };
}

/**
 * Reads the filter box: words of names, host names, systems and tags; `tag:prod`, `group:"Web servers"`,
 * `state:offline,pending` (any of these), `cpu>80`; a minus before a piece turns it round. All pieces have to hold. A wrong number is ignored, an unknown key matches nothing.
 */
export function parseFilter(text: string, groupName: GroupName = noNames): Filter {
  const tokens: Token[] = [];
  const tests: Test[] = [];
  let problem: string | null = null;
  for (const piece of text.match(/\s+|(?:"[^"]*"?|[^\s"])+/g) ?? []) {
    if (piece.trim() === "") {
      tokens.push({ text: piece, kind: "space" });
      continue;
    }
    const parsed = parse(piece, groupName);
    tokens.push({ text: piece, kind: parsed.kind });
    tests.push(parsed.test);
    problem ??= parsed.problem ?? null;
  }
  return { tokens, problem, test: (server) => tests.every((t) => t(server)) };
}
