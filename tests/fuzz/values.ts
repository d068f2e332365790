import fc, { type Arbitrary } from "fast-check";
import type { Document, Schema } from "./document.ts";
import { hostileValue } from "./hostile.ts";
import type { Pool } from "./pool.ts";

/** What values are made from. */
export interface Source {
  readonly document: Document;
  readonly pool: Pool;
  /** E-mail address of whoever asks, if it is a person. */
  readonly email: string | null;
  /** Password of whoever asks; right where a form wants the present one. */
  readonly password: string;
  /** Text that no answer and no log line may hold; stands where a secret is sent. */
  readonly mark: string;
}

const words = ["web-1", "Übung", "db main", "東京", "o'neill", "a.b_c-d", "prod", "nightly"];
const uuid = fc.uuid({ version: 4 });
const pooled = (ids: readonly string[], otherwise: Arbitrary<string>): Arbitrary<string> =>
  ids.length === 0 ? otherwise : fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...ids) }, { weight: 1, arbitrary: otherwise });

/** Values that the schema allows, and that real things stand behind where it can be told from the name. */
export function valid(source: Source, given: Schema, name = ""): Arbitrary<unknown> {
  const schema = source.document.resolve(given);
  const inner = (next: Schema, as = name) => valid(source, next, as);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices !== undefined) return fc.oneof(...choices.map((choice) => inner(choice)));
  if (schema.allOf !== undefined)
    return fc.tuple(...schema.allOf.map((part) => inner(part))).map((parts) => Object.assign({}, ...parts) as object);
  if (Array.isArray(schema.type)) return fc.oneof(...schema.type.map((type: string) => inner({ ...schema, type })));
  switch (schema.type) {
    case "object":
      return objectOf(schema, inner);
    case "array":
      return schema.prefixItems === undefined
        ? fc.array(inner(schema.items ?? {}), {
            minLength: schema.minItems ?? 0,
            maxLength: Math.max(schema.minItems ?? 0, Math.min(schema.maxItems ?? 3, 3)),
          })
        : fc.tuple(...schema.prefixItems.map((item) => inner(item)));
    case "string":
      return textOf(source, schema, name);
    case "integer":
      return fc.integer(range(schema));
    case "number":
      return fc.oneof(fc.integer(range(schema)), fc.double({ min: range(schema).min, max: range(schema).max, noNaN: true }));
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

const range = (schema: Schema) => ({
  min: Math.max(schema.minimum ?? (schema.exclusiveMinimum ?? -(2 ** 31)) + 1, -(2 ** 31)),
  max: Math.min(schema.maximum ?? (schema.exclusiveMaximum ?? 2 ** 31) - 1, 2 ** 31 - 1),
});

function objectOf(schema: Schema, inner: (next: Schema, name: string) => Arbitrary<unknown>): Arbitrary<object> {
  const entries = Object.entries(schema.properties ?? {});
  if (entries.length === 0)
    return fc.dictionary(fc.constantFrom("a", "id", "type", "response"), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 });
  const model = Object.fromEntries(
    entries.map(([name, property]) => {
      // { kind: "group", id } names a group.
      const kind = schema.properties?.["kind"]?.enum;
      return [name, inner(property, name === "id" && kind?.length === 1 ? `${String(kind[0])}Id` : name)];
    }),
  );
  return fc.record(model, { requiredKeys: [...(schema.required ?? [])] });
}

/** Kept, since fast-check maps all of Unicode for a pattern such as \p{L}. */
const likes = new Map<string, Arbitrary<string>>();
const textLike = (pattern: string): Arbitrary<string> => {
  const like = likes.get(pattern) ?? fc.stringMatching(new RegExp(pattern, "u"));
  likes.set(pattern, like);
  return like;
};

function textOf({ pool, email, password, mark }: Source, schema: Schema, name: string): Arbitrary<string> {
  const min = schema.minLength ?? 0;
  const max = schema.maxLength ?? 60;
  const fits = (text: string) => text.length >= min && text.length <= max;
  if (schema.format === "uuid") return pooled(pool.idsFor(name), uuid);
  if (schema.format === "date-time")
    return fc.integer({ min: -90, max: 400 }).map((days) => new Date(Date.now() + days * 86_400_000).toISOString());
  const seen = pool.seenAs(name).filter(fits);
  if (schema.format === "email")
    return fc.oneof(
      fc.nat(30).map((n) => `person-${n}@example.com`),
      fc.constantFrom(email ?? "nobody@example.com"),
    );
  if (schema.format === "uri" || /url$/i.test(name))
    return fc.constantFrom("https://hooks.example.com/a?b=c", "https://xn--bcher-kva.example/ü", "http://127.0.0.1:1/x");
  if (/^(?:password|currentPassword|current)$/.test(name)) return fc.constantFrom(password, mark);
  if (/password|secret/i.test(name)) return fc.constant(mark);
  if (schema.pattern !== undefined) {
    const matching = textLike(schema.pattern).filter(fits);
    return seen.length === 0 ? matching : fc.oneof(matching, fc.constantFrom(...seen));
  }
  if (/(?:^id|Ids?)$/.test(name)) return pooled(pool.idsFor(name), uuid);
  if (/host$/i.test(name)) return fc.constantFrom("mail.invalid", "127.0.0.1", "localhost");
  if (/^(?:ids|metrics)$/.test(name))
    return fc.array(pooled(pool.idsFor("serverId"), uuid), { minLength: 1, maxLength: 2 }).map((ids) => ids.join(","));
  const known = seen.length === 0 ? [] : [fc.constantFrom(...seen)];
  const word = fc.oneof(
    ...known,
    fc.constantFrom(...words),
    fc.nat(99_999).map((n) => `n${n}`),
    fc.string({ unit: "grapheme", minLength: min, maxLength: Math.min(max, 40) }),
  );
  return word.map((text) => (text.length < min ? text.padEnd(min, "x") : text.slice(0, max)));
}

/** A valid value with one thing wrong: a field of it, at any depth, is missing, hostile, or one too many. */
export function nearlyValid(source: Source, schema: Schema): Arbitrary<unknown> {
  return fc.tuple(valid(source, schema), fc.nat(), hostileValue, fc.constantFrom("replace", "drop", "add")).map(([value, at, bad, how]) => {
    const copy: unknown = structuredClone(value);
    const places: { holder: Record<string, unknown>; name: string }[] = [];
    const look = (node: unknown) => {
      if (typeof node !== "object" || node === null) return;
      for (const name of Object.keys(node)) {
        places.push({ holder: node as Record<string, unknown>, name });
        look((node as Record<string, unknown>)[name]);
      }
    };
    look(copy);
    const place = places[at % Math.max(places.length, 1)];
    if (place === undefined) return bad;
    if (how === "replace") place.holder[place.name] = bad;
    else if (how === "drop" && !Array.isArray(place.holder)) delete place.holder[place.name];
    else
      Object.defineProperty(place.holder, ["extra", "__proto__", "organizationId", "id"][at % 4]!, {
        value: bad,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    return copy;
  });
}
