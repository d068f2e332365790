import type { InstallationUser, InstallationUserSort, SignedOutUser, UpdateInstallationUser } from "@devflow/api";
import { call } from "./client.ts";

export interface UserQuery {
  readonly search?: string;
  readonly sort?: InstallationUserSort;
  readonly state?: "active" | "disabled";
  readonly administrators?: "true";
}

const path = "/api/v1/users";
const one = (id: string) => `${path}/${encodeURIComponent(id)}`;

/** Users of the whole installation, for its administrators. */
export const users = {
  list: (query: UserQuery, cursor?: string) =>
    call<{ items: InstallationUser[]; nextCursor: string | null }>("GET", path, {
      query: { ...query, limit: 50, ...(cursor !== undefined && { cursor }) },
    }),
  change: (id: string, body: UpdateInstallationUser) => call<InstallationUser>("PATCH", one(id), { body }),
  signOut: (id: string, tokens: boolean) => call<SignedOutUser>("POST", `${one(id)}/sign-out`, { body: { tokens } }),
  remove: (id: string) => call<unknown>("DELETE", one(id)),
};
