import type { Grant } from "@devflow/api";

/** "deploy", or "edit in Databases, view in Web" for parts of the organisation. */
export const whatItMay = (grants: readonly Grant[]): string =>
  grants.map(({ roleName, scope, scopeName }) => (scope.kind === "organization" ? roleName : `${roleName} in ${scopeName}`)).join(", ") ||
  "nothing";
