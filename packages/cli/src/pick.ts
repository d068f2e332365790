import { Failure } from "./failure.ts";
import { clean } from "./output/style.ts";

/**
 * The one that is meant by an id, or by a name that only one has; upper and lower case are the same.
 * @param what what it is called, such as "team"; @param list the command that shows all
 * @throws Failure notFound, or usage when several have the name
 */
export function pick<T extends { readonly id: string }>(
  items: readonly T[],
  which: string,
  what: string,
  list: string,
  namesOf: (item: T) => readonly (string | null)[] = (item) => [(item as unknown as { name: string }).name],
): T {
  const wanted = which.toLowerCase();
  const byId = items.find(({ id }) => id.toLowerCase() === wanted);
  if (byId !== undefined) return byId;
  const named = items.filter((item) => namesOf(item).some((name) => name?.toLowerCase() === wanted));
  const [first] = named;
  if (first === undefined) throw new Failure("notFound", `There is no ${what} "${clean(which)}"`, `${list} shows all`);
  if (named.length > 1)
    throw new Failure(
      "usage",
      `${named.length} ${what}s are called "${clean(which)}"; name one by its id`,
      named.map(({ id }) => `  ${id}`).join("\n"),
    );
  return first;
}

/** All of a list. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
