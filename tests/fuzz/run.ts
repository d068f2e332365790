import { problem } from "@devflow/api";
import fc from "fast-check";
import type { TestWeb } from "../../controller/src/testing/web.ts";
import { castOf, type Part, type Player } from "./cast.ts";
import { watchChanges } from "./changes.ts";
import { type Operation, readDocument } from "./document.ts";
import { createPool } from "./pool.ts";
import { type FuzzRequest, type Kind, requestsTo } from "./request.ts";
import { createSecrets } from "./secrets.ts";
import { createSender, type FuzzAnswer } from "./send.ts";

export interface FuzzOptions {
  readonly requests: number;
  readonly seed: number;
  /** Lines that the controller logged so far; emptied when read. */
  readonly takeLog: () => string[];
}

export interface FuzzReport {
  /** What is wrong, a line each, with all that is needed to ask again; the same fault of a route once. */
  readonly findings: readonly string[];
  readonly sent: number;
  /** How many requests each route took, and how many of them it did what it was asked ("GET /x" → [sent, done]). */
  readonly routes: ReadonlyMap<string, readonly [sent: number, done: number]>;
  readonly statuses: Readonly<Record<string, number>>;
  /** Routes that never did what they were asked, each with the newest reason given to a valid request. */
  readonly never: readonly string[];
}

/** Everybody is made anew after so many requests: what they did to each other's rights must not end the depth. */
const renewEvery = 250;
const mark = "sEcReT-mArK-0123456789";
/** Whoever may do much asks well mostly: that is what leads to things that others can ask for. */
const kindsOf = (part: Part): readonly Kind[] =>
  part.weight > 2 ? ["valid", "valid", "near", "valid", "hostile"] : ["valid", "near", "hostile"];

/** Sends that many requests over every route of the document as everybody, and tells what should not have happened. */
export async function fuzz(web: TestWeb, { requests, seed, takeLog }: FuzzOptions): Promise<FuzzReport> {
  const cast = await castOf(web);
  const { parts } = cast;
  const players = new Map<Part, Player>();
  for (const part of parts) players.set(part, await part.make());
  const owner = players.get(parts[0]!)!;
  const document = readDocument((await web.ask("/api/v1/openapi.json", { headers: owner.headers })).body as object);
  const changes = await watchChanges(web.ctx.sql);
  const secrets = await createSecrets(web.ctx.sql, mark);
  const pool = createPool();
  const sender = createSender(web.origin);

  const findings = new Map<string, string>();
  const routes = new Map<string, [number, number]>(document.operations.map(({ method, path }) => [`${method} ${path}`, [0, 0]]));
  const statuses: Record<string, number> = {};
  const reasons = new Map<string, string>();
  let sent = 0;

  /** One request and everything that is wrong with what came of it. */
  const attempt = async (
    operation: Operation,
    player: Player,
    request: FuzzRequest,
  ): Promise<{ answer: FuzzAnswer; wrong: string | null }> => {
    const answer = await sender.send(request, player.headers);
    sent += 1;
    const changed = await changes.take();
    const route = `${operation.method} ${operation.path}`;
    const log = takeLog().join("");
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
    const count = routes.get(route)!;
    count[0] += 1;
    if (answer.status >= 200 && answer.status < 300) count[1] += 1;
    const wrong =
      wrongAnswer(operation, answer) ??
      (!player.known && !operation.open && answer.status < 400 ? `answers ${answer.status} to ${player.name}` : null) ??
      (answer.status >= 400 && changed.length > 0
        ? `refused with ${answer.status}, yet changed: ${[...new Set(changed)].join("; ")}`
        : null) ??
      held("the answer", secrets.in(answer.text)) ??
      held("the log", secrets.in(log));
    return { answer, wrong: wrong === null ? null : answer.status >= 500 ? `${wrong} ${causeOf(log)}` : wrong };
  };

  const restore = async (which: readonly Part[]) => {
    if (which === parts) await cast.restore();
    for (const part of which) players.set(part, await part.make());
    await secrets.refresh();
    await changes.take();
  };
  const learn = async () => {
    for (const operation of document.operations.filter(({ method, path }) => method === "GET" && !/[{]|openapi/.test(path))) {
      if (operation.parameters.some(({ required }) => required === true)) continue;
      const { text, status } = await sender.send(
        { method: "GET", path: operation.path, headers: {}, body: null },
        players.get(parts[0]!)!.headers,
      );
      if (status !== 200) continue;
      if (operation.parameters.every((parameter) => parameter.in !== "path")) pool.forget(operation.path);
      pool.harvest(operation.path, parsed(text));
    }
  };
  /** A request may end the credentials it came with (signing out, revoking, leaving): whoever lost them gets new ones. */
  const renew = async (part: Part, status: number) => {
    if (status === 429 || (status === 401 && players.get(part)!.known)) await restore([part]);
  };

  const weighted = parts.flatMap((part) => Array.from({ length: part.weight }, () => part));
  const pairs = document.operations.flatMap((operation) => weighted.map((part) => ({ operation, part })));
  let turn = 0;
  for (let round = 0; sent < requests; round += 1) {
    const [order] = fc.sample(fc.shuffledSubarray(pairs, { minLength: pairs.length }), { numRuns: 1, seed: seed + round });
    for (const { operation, part } of order!) {
      if (sent >= requests) break;
      if (turn % renewEvery === 0) {
        await restore(parts);
        await learn();
        await changes.take();
      }
      turn += 1;
      const kind = kindsOf(part)[(turn + round) % kindsOf(part).length]!;
      const player = () => players.get(part)!;
      const route = `${operation.method} ${operation.path}`;
      let last: FuzzAnswer = { status: 0, headers: {}, text: "", tookMs: 0 };
      const source = { document, pool, email: player().email, password: player().password, mark };
      const result = await fc.check(
        fc.asyncProperty(requestsTo(operation, source, kind), async (request) => {
          const { answer, wrong } = await attempt(operation, player(), request);
          last = answer;
          if (wrong !== null && !findings.has(`${route} ${gist(wrong)}`)) throw new Error(wrong);
        }),
        { numRuns: 1, seed: seed + turn, interruptAfterTimeLimit: 4_000, skipAllAfterTimeLimit: 8_000 },
      );
      if (result.failed && result.counterexample !== null) {
        const wrong = result.errorInstance instanceof Error ? result.errorInstance.message : String(result.errorInstance);
        const asked = JSON.stringify(result.counterexample[0]);
        findings.set(
          `${route} ${gist(wrong)}`,
          `${route} as ${part.name}: ${wrong}\n    seed ${seed}, turn ${turn}, ${kind}: ${asked.slice(0, 1_500)}`,
        );
      }
      const { status, text, headers } = last;
      if (status >= 200 && status < 300 && !operation.path.includes("openapi")) pool.harvest(operation.path, parsed(text));
      else if (kind === "valid" && part.weight > 2) reasons.set(route, `${status} ${(parsed(text) as { detail?: string }).detail ?? ""}`);
      if (typeof headers["etag"] === "string") pool.addEtag(headers["etag"]);
      await renew(part, status);
    }
  }
  sender.close();
  const never = [...routes].filter(([, [, done]]) => done === 0).map(([route]) => `${route}: ${reasons.get(route) ?? "not asked well"}`);
  return { findings: [...findings.values()], sent, routes, statuses, never };
}

/** The same fault with another id or number is the same fault. */
const gist = (wrong: string) => wrong.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}|\d+/g, "#").slice(0, 120);
const held = (where: string, place: string | null) => (place === null ? null : `${where} holds a secret: ${place}`);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Not JSON: whoever asks compares it as text.
    return text;
  }
}

/** Routes that ask a server outside, which here is never there: 503 with its reason is their right answer. */
const needsOutside = new Set(["POST /api/v1/settings/mail/test", "POST /api/v1/session/oidc", "POST /api/v1/session/oidc/complete"]);

function wrongAnswer(operation: Operation, { status, headers, text, tookMs }: FuzzAnswer): string | null {
  if (status === 0) return `${text} after ${Math.round(tookMs / 1000)} s`;
  if (status === 503 && needsOutside.has(`${operation.method} ${operation.path}`)) return null;
  if (status >= 500) return `answers ${status} ${text.slice(0, 200)}`;
  const contentType = String(headers["content-type"] ?? "");
  const body = parsed(text);
  if (status >= 400) {
    const document = problem.safeParse(body).data;
    if (document === undefined || document.status !== status || contentType !== "application/problem+json")
      return `answers ${status} with no problem document: ${contentType} ${text.slice(0, 200)}`;
    if (document.requestId !== headers["x-request-id"]) return "tells another request id than its header";
  }
  if (status === 304) return text === "" ? null : "answers 304 with a body";
  return operation.wrongWith(status, contentType, /json/.test(contentType) ? body : text);
}

/** What the log says about a 5xx, in short. */
function causeOf(log: string): string {
  const messages = [...log.matchAll(/"message":"((?:[^"\\]|\\.)*)"/g)].map(([, message]) => message);
  return messages.length === 0 ? "" : `(log: ${messages.slice(0, 3).join(" < ").slice(0, 400)})`;
}
