import { describe, expect, it } from "vitest";
import { describedApi } from "../../describe-api.ts";
import { sampledRoutes } from "../../testing/route-samples.ts";
import { readRouteTable } from "../../testing/route-table.ts";

describe("controller/src/platform/auth/routes.table.txt", () => {
  const api = describedApi();
  const lines = readRouteTable();
  const demandOf = ({ permission, reads }: { permission: string; reads?: string }) =>
    reads === undefined ? permission : `${permission}+${reads}`;

  it("has one line for each route and live topic that there is, with what it demands", () => {
    const written = lines.map(({ route, permission }) => `${route} ${permission}`);
    const registered = [
      ...api.routes.map((route) => `${route.method} ${route.path} ${demandOf(route)}`),
      ...api.topics.map(({ name, permission }) => `live ${name} ${permission}`),
    ];
    expect(written.toSorted()).toEqual(registered.toSorted());
    expect(sampledRoutes.filter((route) => !lines.some((line) => line.route === route))).toEqual([]);
  });

  it("says for which routes a session must prove again who is behind it, and why for the others not", () => {
    const asking = lines.filter(({ expected }) => expected.stale === "ask").map(({ route }) => route);
    const changing = lines.filter(
      ({ route, permission, expected }) => !/^(get|live) /.test(route) && permission !== "public" && expected.stale !== "ask",
    );
    expect(asking.length).toBeGreaterThan(40);
    expect(changing.map(({ route }) => route).toSorted()).toEqual(Object.values(withoutStepUp).flat().toSorted());
  });
});

/** Changes that an old session may make, by the reason. */
const withoutStepUp: Readonly<Record<string, readonly string[]>> = {
  "takes rights or secrets away, which must be quick when something is wrong": [
    "delete /api/v1/enrolment-tokens/{id}",
    "delete /api/v1/invitations/{id}",
    "delete /api/v1/me/sessions/{id}",
    "delete /api/v1/me/token",
    "delete /api/v1/organization/deletion",
    "delete /api/v1/session",
    "delete /api/v1/tokens/{id}",
    "delete /api/v1/webhooks/{id}",
    "post /api/v1/cli-logins/deny",
    "post /api/v1/me/sessions/revoke-others",
    "post /api/v1/organization/leave",
    "post /api/v1/users/{id}/sign-out",
  ],
  "asks for the password itself, or is the proof": [
    "post /api/v1/me/password",
    "post /api/v1/me/totp",
    "post /api/v1/session/confirm",
    "post /api/v1/session/confirm/options",
  ],
  "an everyday change, which gives nobody more than they had": [
    "patch /api/v1/me",
    "patch /api/v1/me/passkeys/{id}",
    "patch /api/v1/organization",
    "patch /api/v1/servers/{id}",
    "patch /api/v1/tags",
    "patch /api/v1/teams/{id}",
    "patch /api/v1/views/{id}",
    "delete /api/v1/tags",
    "delete /api/v1/views/{id}",
    "post /api/v1/groups",
    "post /api/v1/organizations",
    "post /api/v1/servers/bulk",
    "post /api/v1/session/organization",
    "post /api/v1/tags",
    "post /api/v1/teams",
    "post /api/v1/views",
    "put /api/v1/me/default-view",
    "put /api/v1/me/first-steps",
  ],
  "asks when the body gives things to others: another team, another address": ["patch /api/v1/groups/{id}", "patch /api/v1/webhooks/{id}"],
  "joins by a code that somebody confirmed": ["post /api/v1/invitations/accept"],
  "lets machines in that can tell about themselves and nothing else": ["post /api/v1/enrolment-tokens"],
  "sends once more what was settled before, or checks": [
    "post /api/v1/audit/verify",
    "post /api/v1/settings/mail/test",
    "post /api/v1/settings/oidc/test",
    "post /api/v1/webhook-deliveries/{id}/replay",
    "post /api/v1/webhooks/{id}/test",
  ],
};
