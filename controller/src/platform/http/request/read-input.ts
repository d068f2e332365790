import { AppError } from "@devflow/errors";
import { z } from "zod";
import { invalidInput } from "../problem.ts";
import type { RouteDefinition } from "../route.ts";
import type { Call } from "./call.ts";

export interface Input {
  readonly query: unknown;
  readonly body: unknown;
  /** The body as it came. */
  readonly bytes: Buffer;
}

/** Is it well formed? Query and body as the route's schemas say; throws AppError with what is wrong. */
export async function readInput(definition: RouteDefinition, call: Call): Promise<Input> {
  const query = readQuery(definition.query, new URL(call.req.url).searchParams);
  if (definition.method === "get") return { query, body: undefined, bytes: Buffer.alloc(0) };
  const bytes = await readBody(call.req.raw);
  return { query, body: parseBody(definition.body, call.req.header("content-type") ?? null, bytes), bytes };
}

const maxBodyBytes = 1_048_576;

const stricts = new WeakMap<z.ZodType, z.ZodType>();

/** The schema without room for what it does not name; made once, since making one takes longer than reading by it. */
function strict(schema: z.ZodType): z.ZodType {
  let made = stricts.get(schema);
  if (made === undefined) stricts.set(schema, (made = schema instanceof z.ZodObject ? schema.strict() : schema));
  return made;
}

const noQuery = z.object({});

/** PostgreSQL cannot store U+0000 in text, so no text may hold it. */
function refuseNul(text: string, where: "body" | "query"): void {
  if (text.includes("\0") || /(?<!\\)(?:\\\\)*\\u0000/.test(text)) {
    throw new AppError("invalid", `The ${where} holds the character U+0000, which no text may hold`);
  }
}

/** Half a character (U+D800 alone) is no text in UTF-8, and PostgreSQL stores none. JSON.stringify escapes just these. */
function refuseHalves(text: string, value: unknown): void {
  if (!/\\ud[89a-f]/i.test(text)) return;
  if (/(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(JSON.stringify(value)))
    throw new AppError("invalid", "The body holds half of a character (a lone surrogate), which no text may hold");
}

/** Whether a parameter may be given several times: its schema is an array, optional or not. */
const isList = (schema: unknown): boolean => (schema instanceof z.ZodOptional ? isList(schema.unwrap()) : schema instanceof z.ZodArray);

/** Query parameters as the schema says; without a schema none are allowed. Throws AppError invalid. */
function readQuery(schema: z.ZodObject | undefined, search: URLSearchParams): unknown {
  const given = Object.create(null) as Record<string, string | string[]>;
  for (const [name, value] of search) {
    refuseNul(name + value, "query");
    if (schema !== undefined && Object.hasOwn(schema.shape, name) && isList(schema.shape[name])) {
      given[name] = [given[name] ?? [], value].flat();
      continue;
    }
    if (name in given) throw new AppError("invalid", `The parameter ${name.slice(0, 100)} was given twice; give it once`);
    given[name] = value;
  }
  const parsed = strict(schema ?? noQuery).safeParse({ ...given });
  if (!parsed.success) throw invalidInput("query", parsed.error);
  return parsed.data;
}

/** The body's bytes. Throws AppError too_large beyond maxBodyBytes, however it was sent. */
async function readBody(request: Request): Promise<Buffer> {
  const tooLarge = () => new AppError("too_large", `The body is larger than ${maxBodyBytes} bytes; send less`);
  if (Number(request.headers.get("content-length") ?? 0) > maxBodyBytes) throw tooLarge();
  if (request.body === null) return Buffer.alloc(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = request.body.getReader();
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw new AppError("malformed", "The body ended before it was complete", { cause });
    });
    if (done) return Buffer.concat(chunks);
    size += value.byteLength;
    if (size > maxBodyBytes) {
      await reader.cancel();
      throw tooLarge();
    }
    chunks.push(value);
  }
}

const isJson = /^application\/json\s*(;|$)/i;

/** A JSON body as the schema says. Throws AppError unsupported_media_type, malformed or invalid. */
function parseBody(schema: z.ZodType | undefined, contentType: string | null, bytes: Buffer): unknown {
  if (schema === undefined && (bytes.length === 0 || contentType === null || isJson.test(contentType))) {
    if (bytes.length > 0 && bytes.toString().trim() !== "{}") throw new AppError("invalid", "This request takes no body; send none");
    return undefined;
  }
  if (schema === undefined || !isJson.test(contentType ?? "")) {
    throw new AppError("unsupported_media_type", `Expected Content-Type: application/json, got ${contentType?.slice(0, 100) ?? "none"}`);
  }
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (cause) {
    throw new AppError(
      "malformed",
      `The body is not JSON in UTF-8${cause instanceof SyntaxError ? "; check its brackets, quotes and commas" : ""}`,
      { cause },
    );
  }
  refuseNul(text, "body");
  refuseHalves(text, value);
  const parsed = strict(schema).safeParse(value);
  if (!parsed.success) throw invalidInput("body", parsed.error);
  return parsed.data;
}
