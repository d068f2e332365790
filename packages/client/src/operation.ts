import type { paths } from "./gen/schema.ts";

export type Method = "get" | "post" | "put" | "patch" | "delete";

/** Paths that have this method. */
export type PathWith<M extends Method> = {
  [P in keyof paths]: paths[P] extends { [K in M]: { responses: unknown } } ? P : never;
}[keyof paths];

export type Operation<P extends keyof paths, M extends Method> = paths[P] extends { [K in M]: infer O } ? O : never;

type PathOf<O> = O extends { parameters: { path: infer T } } ? { path: T } : { path?: never };
/** Numbers are written as text in an address. */
type Texts<T> = {
  [K in keyof T]: (string extends T[K] ? T[K] | number : T[K]) | (object extends Pick<T, K> ? undefined : never);
};
type QueryOf<O> = O extends { parameters: { query: infer T } }
  ? { query: Texts<T> }
  : O extends { parameters: { query?: infer T } }
    ? [T] extends [undefined]
      ? { query?: never }
      : { query?: Texts<T> }
    : { query?: never };
type BodyOf<O> = O extends { requestBody: { content: { "application/json": infer T } } } ? { body: T } : { body?: never };

/** What one call takes: path, query and body as its route demands them. */
export type Input<O> = PathOf<O> & QueryOf<O> & BodyOf<O>;

type Content<R> = R extends { content: { "application/json": infer T } }
  ? T
  : R extends { content: { "text/plain": infer T } }
    ? T
    : undefined;
/** What one call gives: its JSON, its text, or undefined for 204. */
export type Answer<O> = O extends { responses: infer R } ? Content<R[keyof R & (200 | 201 | 202 | 204)]> : never;

/** One of a list's items. */
export type Item<O> = Answer<O> extends { items: (infer T)[]; nextCursor: string | null } ? T : never;

/** Paths that answer a page of a list. */
export type ListPath = { [P in PathWith<"get">]: [Item<Operation<P, "get">>] extends [never] ? never : P }[PathWith<"get">];
