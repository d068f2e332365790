import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";

/** As much of JSON Schema as the document uses. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly schema: Schema;
}

/** One route as the document describes it. */
export interface Operation {
  /** "GET" */
  readonly method: string;
  /** "/api/v1/servers/{id}" */
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body: Schema | null;
  /** Open to everybody. */
  readonly open: boolean;
  /** What is wrong with this answer, by the document; null: nothing. */
  readonly wrongWith: (status: number, contentType: string, body: unknown) => string | null;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

interface Described {
  readonly security?: readonly unknown[];
  readonly parameters?: readonly (Parameter & { readonly $ref?: string })[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
}

/** The OpenAPI document, ready to make requests of and to compare answers with. */
export interface Document {
  readonly operations: readonly Operation[];
  /** The schema itself, or what its $ref leads to. */
  resolve(schema: Schema): Schema;
}

const documentId = "https://devflow.invalid/openapi.json";
const withoutParameters = (contentType: string) => contentType.split(";", 1)[0]!.trim().toLowerCase();
const pointer = (...parts: readonly string[]) =>
  parts.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/");

/** Reads an OpenAPI 3.1 document. Throws Error for a schema that is none. */
export function readDocument(json: object): Document {
  const ajv = new Ajv2020({ strict: false, allErrors: false, validateFormats: true });
  formats.default(ajv);
  ajv.addSchema({ ...json, $id: documentId });
  const at = (path: string) => path.split("/").reduce<unknown>((node, key) => (node as Record<string, unknown>)?.[decode(key)], json);
  const follow = <T extends { readonly $ref?: string }>(node: T): T =>
    node.$ref === undefined ? node : follow(at(node.$ref.slice(2)) as T);
  const { paths } = json as { paths: Record<string, Record<string, Described>> };
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]): Operation => {
      const validators = new Map<string, ValidateFunction>();
      const wrongWith: Operation["wrongWith"] = (status, contentType, body) => {
        const key = described.responses[status] !== undefined ? String(status) : `${String(status)[0]}XX`;
        const response = described.responses[key];
        if (response === undefined) return `answers ${status}, which the document does not name`;
        const types = Object.keys(response.content ?? {});
        const type = withoutParameters(contentType);
        if (types.length === 0) return body === "" ? null : `answers ${status} with a body, the document names none`;
        if (!types.includes(type)) return `answers ${status} as ${type || "nothing"}, the document says ${types.join(", ")}`;
        if (!/json/.test(type)) return null;
        let validate = validators.get(key);
        if (validate === undefined) {
          const ref = `${documentId}#/${pointer("paths", path, method, "responses", key, "content", type, "schema")}`;
          validators.set(key, (validate = ajv.compile({ $ref: ref })));
        }
        return validate(body) === true
          ? null
          : `answer ${status} is not of its schema: ${ajv.errorsText(validate.errors, { dataVar: "answer" })}`;
      };
      return {
        method: method.toUpperCase(),
        path,
        parameters: (described.parameters ?? []).map(follow),
        body: described.requestBody?.content?.["application/json"]?.schema ?? null,
        open: described.security?.length === 0,
        wrongWith,
      };
    }),
  );
  return { operations, resolve: follow };
}

const decode = (key: string) => decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~");
