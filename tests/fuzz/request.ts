import { gzipSync } from "node:zlib";
import fc, { type Arbitrary } from "fast-check";
import type { Operation, Parameter } from "./document.ts";
import { hostileBytes, hostileSegment, hostileText, hostileValue } from "./hostile.ts";
import { nearlyValid, type Source, valid } from "./values.ts";

/** A request as it goes over the wire, apart from credentials. */
export interface FuzzRequest {
  readonly method: string;
  /** With its query, encoded or deliberately not. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes as Latin-1; null: none. */
  readonly body: string | null;
}

export type Kind = "valid" | "near" | "hostile";

/** Requests to one route. */
export function requestsTo(operation: Operation, source: Source, kind: Kind): Arbitrary<FuzzRequest> {
  return fc
    .record({
      path: pathOf(operation, source, kind),
      query: queryOf(operation, source, kind),
      headers: headersOf(operation, source, kind),
      body: bodyOf(operation, source, kind),
    })
    .map(({ path, query, headers, body }) => ({
      method: operation.method,
      path: query === "" ? path : `${path}?${query}`,
      headers: { ...(body === null ? {} : { "content-type": "application/json" }), ...headers },
      body,
    }));
}

const encode = (value: unknown) => encodeURIComponent((typeof value === "string" ? value : JSON.stringify(value)).toWellFormed());

function pathOf({ path }: Operation, { pool }: Source, kind: Kind): Arbitrary<string> {
  const parts = path.split("/").map((part, at, all): Arbitrary<string> => {
    if (!part.startsWith("{")) return fc.constant(part);
    const ids = [...pool.idsUnder(all.slice(0, at).join("/")), ...(part === "{id}" ? [] : pool.idsFor(part.slice(1, -1)))];
    const known = ids.length === 0 ? fc.uuid({ version: 4 }) : fc.constantFrom(...ids).map(encode);
    return kind === "hostile" ? fc.oneof({ weight: 1, arbitrary: hostileSegment }, { weight: 2, arbitrary: known }) : known;
  });
  return fc.tuple(...parts).map((all) => all.join("/"));
}

function queryOf(operation: Operation, source: Source, kind: Kind): Arbitrary<string> {
  const parameters = operation.parameters.filter((parameter) => parameter.in === "query");
  const given = fc.tuple(...parameters.map((parameter) => parameterOf(operation, parameter, source)));
  const good = given.map((pairs) => pairs.filter((pair) => pair !== null));
  if (kind === "valid") return good.map((pairs) => pairs.join("&"));
  const names = [...parameters.map(({ name }) => name), "x", "__proto__", "limit"];
  const bad = fc.oneof(
    fc.tuple(fc.constantFrom(...names), hostileText).map(([name, text]) => `${name}=${encode(text.slice(0, 3_000))}`),
    fc.constantFrom(...names).map((name) => `${name}=1&${name}=2`),
    fc.constantFrom("%", "%ff=%fe", "=%00", "&&&==", "limit[]=1", "limit[a]=1", "a=%u0000", "?".repeat(20)),
  );
  const badOrNone = kind === "hostile" ? bad : fc.option(bad, { nil: "", freq: 1 });
  return fc.tuple(good, badOrNone).map(([pairs, extra]) => [...pairs, extra].filter((pair) => pair !== "").join("&"));
}

const parameterOf = (operation: Operation, { name, required, schema }: Parameter, source: Source): Arbitrary<string | null> => {
  const cursors = source.pool.cursors(operation.path);
  const value = name === "cursor" ? (cursors.length === 0 ? fc.constant(null) : fc.constantFrom(...cursors)) : valid(source, schema, name);
  const pair = value.map((text) => (text === null ? null : `${encodeURIComponent(name)}=${encode(text)}`));
  return required === true ? pair : fc.option(pair, { nil: null, freq: 2 });
};

const visible = (text: string) => text.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, "?").slice(0, 1_000);

function headersOf(operation: Operation, source: Source, kind: Kind): Arbitrary<Record<string, string>> {
  const etag = source.pool.etags.length === 0 ? fc.constant('"1"') : fc.constantFrom(...source.pool.etags);
  const chosen: Record<string, Arbitrary<string>> = {};
  const hostile = kind === "hostile";
  const text = hostileText.map(visible);
  if (operation.method === "POST") chosen["idempotency-key"] = hostile ? text : fc.nat(99).map((n) => `key-${n}`);
  if (operation.method !== "GET") chosen["if-match"] = hostile ? fc.oneof(text, fc.constantFrom("*", 'W/"1"', '"', ",,,")) : etag;
  else chosen["if-none-match"] = hostile ? text : etag;
  if (hostile) {
    chosen["content-type"] = fc.constantFrom(
      "text/plain",
      "application/json; charset=utf-16",
      "application/json;;;=",
      "multipart/form-data",
      "application/x-www-form-urlencoded",
      "application/json",
      "",
      "a".repeat(900),
    );
    chosen["content-encoding"] = fc.constantFrom("gzip", "br", "identity", "x");
    chosen["accept-encoding"] = fc.constantFrom("gzip", "br;q=0, *", "gzip;q=nan");
    chosen["accept"] = fc.constantFrom("text/html", "*/*;q=0", "text/event-stream");
    chosen["range"] = fc.constantFrom("bytes=0-1", "bytes=9999999999-", "bytes=a");
    chosen["last-event-id"] = text;
    chosen["user-agent"] = text;
    chosen["origin"] = fc.constantFrom("null", "https://evil.example", "http://127.0.0.1");
    chosen["host"] = fc.constantFrom("evil.example", "[::1", "a b", "localhost:99999");
    chosen["x-http-method-override"] = fc.constantFrom("DELETE", "GET");
  }
  // Each is there seldom: most headers alone, or none, so that what they spoil is not the first thing refused.
  return fc
    .record(
      Object.fromEntries(
        Object.entries(chosen).map(([name, value]) => [
          name,
          fc.oneof({ weight: hostile ? 8 : 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: value }),
        ]),
      ),
    )
    .map((headers) =>
      Object.fromEntries(Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== null && entry[1] !== "")),
    );
}

const toBytes = (value: unknown) => Buffer.from(JSON.stringify(value) ?? "").toString("latin1");
/** 20 MB of zeros in 20 kB. */
const bomb = gzipSync(Buffer.alloc(20_000_000, 0x20)).toString("latin1");

function bodyOf({ body, method }: Operation, source: Source, kind: Kind): Arbitrary<string | null> {
  if (method === "GET") return fc.constant(null);
  if (body === null) return kind === "valid" ? fc.constant(null) : fc.oneof(fc.constant(null), hostileValue.map(toBytes), hostileBytes);
  if (kind === "valid") return valid(source, body).map(toBytes);
  if (kind === "near") return nearlyValid(source, body).map(toBytes);
  return fc.oneof(
    { weight: 4, arbitrary: nearlyValid(source, body).map(toBytes) },
    { weight: 2, arbitrary: hostileValue.map(toBytes) },
    { weight: 2, arbitrary: hostileBytes },
    { weight: 1, arbitrary: fc.constantFrom(null, bomb) },
  );
}
