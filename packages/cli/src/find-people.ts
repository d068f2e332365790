import type { Client, components } from "@devflow/client";
import { Failure } from "./failure.ts";
import { pick } from "./pick.ts";

type User = components["schemas"]["InstallationUser"];
type Member = components["schemas"]["Member"];
type Team = components["schemas"]["Team"];

/** The member that is meant by an e-mail address, a name or an id. Throws Failure, DevFlowError. */
export async function findMember(client: Client, which: string): Promise<Member> {
  if (which === "" || which.length > 100) throw new Failure("usage", "A member is named by e-mail address, name or id");
  const found: (Member & { id: string })[] = [];
  const isId = /^[\w-]{20,}$/.test(which);
  for await (const member of client.list("/api/v1/members", isId ? {} : { query: { search: which } }))
    found.push({ ...member, id: member.userId });
  return pick(found, which, "member", "devflow members list", ({ email, name }) => [email, name]);
}

/** The user of the installation that is meant by an e-mail address, a name or an id. Throws Failure, DevFlowError. */
export async function findUser(client: Client, which: string): Promise<User> {
  if (which === "" || which.length > 100) throw new Failure("usage", "A user is named by e-mail address, name or id");
  const found: User[] = [];
  for await (const user of client.list("/api/v1/users", { query: { search: which } })) found.push(user);
  return pick(found, which, "user", "devflow users list", ({ email, name }) => [email, name]);
}

/** The team that is meant by a name or an id. Throws Failure, DevFlowError. */
export const findTeam = async (client: Client, which: string): Promise<Team> =>
  pick((await client.get("/api/v1/teams")).items, which, "team", "devflow teams list");
