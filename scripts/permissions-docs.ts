import { existsSync } from "node:fs";
import { join } from "node:path";
import { installationPermission, type Permission, permissions, permissionTable, type Role, roles } from "@devflow/api";
import type { RouteDefinition } from "../controller/src/platform/http/index.ts";
import { root } from "./build-state.mjs";

/** As much of a live topic as the page tells. */
export interface DescribedTopic {
  readonly name: string;
  readonly withId: boolean;
  readonly permission: Permission;
}

const header = `# Who may do what

Made from the permission table and the routes by \`npm run openapi:generate\`; changes here are lost. How roles are given: [organisations](features/organizations.md).

- A role is a set of permissions. Each built-in role has all that the ones before it have; own roles are put together from single permissions.
- A role is given over the whole organisation or over a part of it: a server group, or what a team owns. A permission that is only "for all" has no effect when its role is given over a part.
- API tokens have roles in the same way and never do more than their holder may at the moment.
- What belongs to another organisation, or lies where somebody has no role at all, is not there for them: 404. Where they have one that is too weak: 403. Without credentials: 401.
- ↻ marks what asks people again who they are when their last proof is older than ten minutes ([users](features/users.md)). It never asks API tokens: nobody sits behind them who could answer.
- Administrators of the installation are people, apart from any role: they change the settings of the whole installation and make organisations, and see nothing of an organisation in which they have no role.
`;

const mark = (permission: Permission, role: Role) => (roles.indexOf(permissionTable[permission].role) <= roles.indexOf(role) ? "✓" : "");

/** Features in whose verbs a permission decides, beside those whose routes state it. */
const inVerbs: Partial<Record<Permission, string>> = { "views.share": "groups" };

const given = { part: "parts", organization: "for all", installation: "to administrators of the installation" } as const;

const anchor = (feature: string) => `[${feature}](#${feature})`;

function permissionRows(routes: readonly RouteDefinition[], topics: readonly DescribedTopic[]): string[] {
  return permissions.map((permission) => {
    const opening = routes.filter((route) => route.permission === permission || route.reads === permission).map(({ tag }) => tag);
    const live = topics.filter((topic) => topic.permission === permission).map(({ name }) => (name === "events" ? "events" : "servers"));
    const where = [...new Set([...opening, ...live, ...(inVerbs[permission] === undefined ? [] : [inVerbs[permission]])])]
      .toSorted()
      .map(anchor)
      .join(", ");
    const { meaning, within } = permissionTable[permission];
    const marks = roles.map((role) => mark(permission, role)).join(" | ");
    return `| \`${permission}\` | ${meaning} | ${marks} | ${given[within]} | ${where} |`;
  });
}

function needs({ permission, reads }: RouteDefinition): string {
  if (permission === "public") return "nothing";
  if (permission === "authenticated") return "to be signed in";
  return reads === undefined ? `\`${permission}\`` : `\`${permission}\` and \`${reads}\``;
}

function from({ permission }: RouteDefinition): string {
  if (permission === "public") return "everybody";
  if (permission === "authenticated") return "all";
  return permission === installationPermission ? "administrators of the installation" : permissionTable[permission].role;
}

/** Where the permission must be held. */
function over({ permission, scope }: RouteDefinition): string {
  if (permission === "public" || permission === installationPermission) return "";
  if (scope === "own") return "one's own";
  if (scope === "somewhere") return "what is within reach";
  if (scope === undefined) return permission === "authenticated" ? "" : "everything";
  return `this ${scope.replaceAll("-", " ")}`;
}

const methods = ["get", "post", "put", "patch", "delete"];
const order = (a: RouteDefinition, b: RouteDefinition) =>
  a.path === b.path ? methods.indexOf(a.method) - methods.indexOf(b.method) : a.path < b.path ? -1 : 1;

function featureSection(tag: string, routes: readonly RouteDefinition[], topics: readonly DescribedTopic[]): string {
  const page = existsSync(join(root, `docs/features/${tag}.md`)) ? `\n[What it does](features/${tag}.md)\n` : "";
  const rows = routes
    .toSorted(order)
    .map(
      (route) =>
        `| ${route.summary}${route.stepUp === true ? " ↻" : ""} | \`${route.method.toUpperCase()} ${route.path}\` | ${needs(route)} | ${from(route)} | ${over(route)} |`,
    );
  const live = topics.map(
    ({ name, withId, permission }) =>
      `| Follow live | topic \`${withId ? `${name}:ID` : name}\` | \`${permission}\` | ${permissionTable[permission].role} | ${withId ? "this server" : "what is within reach"} |`,
  );
  return `### ${tag}
${page}
| what | route | needs | from role | over |
|---|---|---|---|---|
${[...rows, ...live].join("\n")}
`;
}

/** docs/permissions.md of the registered routes and live topics. */
export function permissionsPage(routes: readonly RouteDefinition[], topics: readonly DescribedTopic[]): string {
  const tags = [...new Set(routes.map(({ tag }) => tag))].toSorted();
  const topicsOf = (tag: string) => topics.filter(({ name }) => (name === "events" ? "events" : "servers") === tag);
  return `${header}
## Permissions and built-in roles

| permission | what it allows | ${roles.join(" | ")} | given | features |
|---|---|${roles.map(() => ":-:").join("|")}|---|---|
${permissionRows(routes, topics).join("\n")}

## Features

${tags
  .map((tag) =>
    featureSection(
      tag,
      routes.filter((route) => route.tag === tag),
      topicsOf(tag),
    ),
  )
  .join("\n")}`;
}
