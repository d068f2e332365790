import type { Client, components } from "@devflow/client";
import { Failure } from "./failure.ts";

export type Server = components["schemas"]["Server"];

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The server that is meant by an id, or by a name or host name that only one has. Throws Failure, DevFlowError. */
export async function findServer(client: Client, nameOrId: string): Promise<Server> {
  if (uuid.test(nameOrId)) return client.get("/api/v1/servers/{id}", { path: { id: nameOrId.toLowerCase() } });
  if (nameOrId === "" || nameOrId.length > 100) throw new Failure("usage", "A server is named by its name, host name or id");
  const wanted = nameOrId.toLowerCase();
  const found: Server[] = [];
  for await (const server of client.list("/api/v1/servers", { query: { search: nameOrId } })) found.push(server);
  const named = found.filter(({ name }) => name.toLowerCase() === wanted);
  const same = named.length > 0 ? named : found.filter(({ hostname }) => hostname.toLowerCase() === wanted);
  const [first] = same;
  if (first === undefined) {
    const near = found.slice(0, 5).map(({ name }) => name);
    throw new Failure(
      "notFound",
      `There is no server "${nameOrId}"`,
      near.length > 0 ? `Did you mean: ${near.join(", ")}` : "devflow servers list shows all",
    );
  }
  if (same.length > 1)
    throw new Failure(
      "usage",
      `${same.length} servers are called "${nameOrId}"; name one by its id`,
      same.map(({ id, hostname, state }) => `  ${id}  ${hostname}  ${state}`).join("\n"),
    );
  return first;
}
