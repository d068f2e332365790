import type { ApiToken, CreateServiceAccount, ServiceAccount, UpdateServiceAccount } from "@devflow/api";
import { all, call } from "./client.ts";

const v1 = "/api/v1";
const one = (id: string) => `${v1}/service-accounts/${encodeURIComponent(id)}`;

/** Tokens of one or of all, and service accounts. */
export const tokens = {
  mine: () => all<ApiToken>(`${v1}/tokens`, undefined, { mine: "true" }),
  everybodys: () => all<ApiToken>(`${v1}/tokens`),
  serviceAccounts: () => all<ServiceAccount>(`${v1}/service-accounts`),
  createServiceAccount: (body: CreateServiceAccount) => call<ServiceAccount>("POST", `${v1}/service-accounts`, { body }),
  updateServiceAccount: (id: string, body: UpdateServiceAccount) => call<ServiceAccount>("PATCH", one(id), { body }),
  deleteServiceAccount: (id: string) => call<unknown>("DELETE", one(id)),
};
