import type { Client, components } from "@devflow/client";
import type { Command } from "commander";
import { Failure } from "./failure.ts";
import { clean } from "./output/style.ts";
import { pick } from "./pick.ts";
import { roles } from "@devflow/api/permission-table";

type Grant = components["schemas"]["Grant"];
type GrantChoice = components["schemas"]["GrantChoice"];

export interface GrantOptions {
  readonly role?: string;
  readonly group?: readonly string[];
  readonly team?: readonly string[];
  readonly grant?: readonly string[];
}

/** --role, --group, --team and --grant: what somebody or something may do, and where. */
export const grantOptions = (command: Command, role?: string): Command =>
  command
    .option("--role <role>", `${roles.join(", ")}, or a custom role`, role)
    .option("--group <group...>", "the role for these server groups only")
    .option("--team <team...>", "the role for what these teams own only")
    .option("--grant <role@place...>", "further roles: deploy@group:Edge, edit@team:Ops, view@organization");

/** "deploy", or "edit of Databases, view of Web" for parts of the organisation. */
export const grantsText = (grants: readonly Grant[]): string =>
  grants
    .map(({ roleName, scope, scopeName }) => (scope.kind === "organization" ? roleName : `${roleName} of ${scopeName}`))
    .map(clean)
    .join(", ") || "nothing";

/** The options as the API wants them, names looked up; empty when none was given. Throws Failure, DevFlowError. */
export async function readGrants(client: Client, options: GrantOptions): Promise<GrantChoice[]> {
  const { role, group = [], team = [], grant = [] } = options;
  if (role === undefined && group.length + team.length > 0)
    throw new Failure("usage", "--group and --team say where a role holds: add --role ROLE");
  const wanted: { role: string; kind: string; name: string }[] = [
    ...group.map((name) => ({ role: role as string, kind: "group", name })),
    ...team.map((name) => ({ role: role as string, kind: "team", name })),
  ];
  if (role !== undefined && wanted.length === 0) wanted.push({ role, kind: "organization", name: "" });
  for (const text of grant) {
    const found = /^(.+)@(?:(group|team):(.+)|organi[sz]ation)$/s.exec(text);
    if (found === null)
      throw new Failure("usage", `--grant: expected role@group:NAME, role@team:NAME or role@organization, got ${clean(text)}`);
    wanted.push({ role: found[1] as string, kind: found[2] ?? "organization", name: found[3] ?? "" });
  }
  const choices: GrantChoice[] = [];
  for (const { role: roleName, kind, name } of wanted) {
    const chosen = await readRole(client, roleName);
    choices.push({ role: chosen, scope: await scopeOf(client, kind, name) });
  }
  return choices;
}

/** A built-in role's name, or a custom role's id. Throws Failure, DevFlowError. */
export async function readRole(client: Client, name: string): Promise<string> {
  if ((roles as readonly string[]).includes(name)) return name;
  const { items } = await client.get("/api/v1/roles");
  try {
    return pick(items, name, "role", "devflow roles list").id;
  } catch (error) {
    if (error instanceof Failure && error.code === "notFound")
      throw new Failure(
        "usage",
        `--role: expected ${roles.join(", ")} or a custom role, got ${clean(name)}`,
        "devflow roles list shows all",
      );
    throw error;
  }
}

async function scopeOf(client: Client, kind: string, name: string): Promise<GrantChoice["scope"]> {
  if (kind === "group") return { kind, id: pick((await client.get("/api/v1/groups")).items, name, "group", "devflow groups list").id };
  if (kind === "team") return { kind, id: pick((await client.get("/api/v1/teams")).items, name, "team", "devflow teams list").id };
  return { kind: "organization" };
}
