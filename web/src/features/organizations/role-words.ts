import type { Role } from "@devflow/api";

/** What each built-in role is for, weakest first. */
export const roleWords: readonly (readonly [Role, string])[] = [
  ["view", "see servers, values and settings"],
  ["deploy", "view, and start deployments and tasks"],
  ["edit", "deploy, and rename and group servers"],
  ["admin", "edit, and add and remove servers, people and tokens"],
  ["owner", "everything, also to delete the organisation"],
];

/** A grant in words: "admin", or "edit of databases". */
export const grantWords = ({ roleName, scope, scopeName }: { roleName: string; scope: { kind: string }; scopeName: string }): string =>
  scope.kind === "organization" ? roleName : `${roleName} of ${scope.kind === "team" ? "team " : ""}${scopeName}`;
