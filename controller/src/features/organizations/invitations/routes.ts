import {
  acceptInvitation as acceptBody,
  createdInvitation,
  createInvitation as createBody,
  findInvitation as findBody,
  foundInvitation,
  id,
  invitationPage,
  pageQuery,
  registerByInvitation as registerBody,
} from "@devflow/api";
import { AppError } from "@devflow/errors";
import { eq } from "drizzle-orm";
import { z } from "zod";
import { addressGroup } from "../../../platform/address-group.ts";
import type { Context } from "../../../platform/context.ts";
import { type Api, defineRoute, Reply } from "../../../platform/http/index.ts";
import { type AttemptLimit, createThrottle } from "../../../platform/limits/index.ts";
import { beginSession } from "../../users/index.ts";
import { invitations } from "../schema.ts";
import { acceptInvitation, findInvitation, registerByInvitation } from "./accept-invitation.ts";
import { codeHash } from "./code.ts";
import { createInvitation, revokeInvitation, sendAgain } from "./create-invitation.ts";
import { listInvitations } from "./list-invitations.ts";

const path = "/api/v1/invitations";
const tag = "organizations";
const manage = { tag, permission: "members.manage" } as const;
const one = { ...manage, params: z.object({ id }), scope: "invitation" } as const;

/** Wrong codes and addresses that failed, by the caller's address and by code, in a quarter of an hour. */
const limits: readonly AttemptLimit[] = [
  { prefix: "invitation-address:", attempts: 30 },
  { prefix: "invitation-code:", attempts: 20 },
];

/** Routes of invitations: those who invite, and those who are invited. */
export function invitationRoutes(api: Api, ctx: Context): void {
  const throttle = createThrottle(ctx, limits);
  /** Runs `work`, counts its failures, and refuses when there were too many. */
  const guarded = async <T>(address: string | null, code: string, work: () => Promise<T>): Promise<T> => {
    const keys = [`invitation-address:${addressGroup(address ?? "unknown")}`, `invitation-code:${codeHash(code)}`];
    const wait = await throttle.count(keys);
    if (wait > 0)
      throw new AppError("rate_limited", `Too many wrong invitations; try again in ${Math.ceil(wait / 60)} minutes`, {
        details: { retryAfterSeconds: wait },
      });
    const result = await work();
    await throttle.takeBack(keys);
    return result;
  };

  const list = defineRoute({
    ...manage,
    method: "get",
    path,
    summary: "Invitations, newest first, with what became of them",
    query: pageQuery,
    response: invitationPage,
  });
  const create = defineRoute({
    ...manage,
    method: "post",
    path,
    summary: "Invite somebody by e-mail or by link",
    stepUp: true,
    body: createBody,
    status: 201,
    response: createdInvitation,
  });
  const again = defineRoute({
    ...one,
    method: "post",
    path: `${path}/{id}/send`,
    summary: "Send an invitation again under a new link",
    stepUp: true,
    response: createdInvitation,
  });
  const revoke = defineRoute({
    ...one,
    method: "delete",
    path: `${path}/{id}`,
    summary: "Revoke an invitation",
    status: 204,
    response: null,
  });
  const find = defineRoute({
    method: "post",
    path: `${path}/find`,
    permission: "public",
    tag,
    summary: "What an invitation is for, by its code",
    body: findBody,
    response: foundInvitation,
    idempotent: false,
  });
  const accept = defineRoute({
    method: "post",
    path: `${path}/accept`,
    permission: "authenticated",
    tag,
    summary: "Accept an invitation as whoever is signed in",
    body: acceptBody,
    status: 204,
    response: null,
    idempotent: false,
  });
  const register = defineRoute({
    method: "post",
    path: `${path}/register`,
    permission: "public",
    tag,
    summary: "Accept an invitation with a new account, which is signed in, or with one that is there",
    body: registerBody,
    status: 204,
    response: null,
    idempotent: false,
  });

  api.scope("invitation", async (invitationId) => {
    const [row] = await ctx.db
      .select({ organizationId: invitations.organizationId })
      .from(invitations)
      .where(eq(invitations.id, invitationId));
    return row ?? null;
  });
  api.route(list, ({ principal, query }) => listInvitations({ ctx, principal, input: query }));
  api.route(create, ({ principal, body }) => createInvitation({ ctx, principal, input: body }));
  api.route(again, ({ principal, params }) => sendAgain({ ctx, principal, input: { invitationId: params.id } }));
  api.route(revoke, ({ principal, params }) => revokeInvitation({ ctx, principal, input: { invitationId: params.id } }));
  api.route(find, ({ identity, address, body }) =>
    guarded(address, body.code, () => findInvitation({ ctx, input: { code: body.code, identity } })),
  );
  api.route(accept, ({ principal, identity, address, body }) =>
    guarded(address, body.code, () => acceptInvitation({ ctx, principal, input: { code: body.code, identity: identity! } })),
  );
  api.route(register, async ({ address, requestId, headers, body }) => {
    const caller = { address, userAgent: headers.get("user-agent") };
    const { userId, isNew } = await guarded(address, body.code, () =>
      registerByInvitation({ ctx, auth: api.auth, input: { ...body, caller, requestId } }),
    );
    // An account that was there may have a second factor: it signs in as always.
    if (!isNew) return new Reply(undefined);
    const { cookies } = await beginSession({ ctx, auth: api.auth, input: { userId, by: "password", caller, requestId } });
    return new Reply(
      undefined,
      cookies.map((cookie) => ["set-cookie", cookie] as const),
    );
  });
}
