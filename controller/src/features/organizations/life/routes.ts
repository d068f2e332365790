import {
  createOrganization as createBody,
  id,
  organizationList,
  planDeletion as planBody,
  switchOrganization as switchBody,
  time,
  updateOrganization as updateBody,
} from "@devflow/api";
import { z } from "zod";
import type { Context } from "../../../platform/context.ts";
import { type Api, defineRoute, Reply } from "../../../platform/http/index.ts";
import { leaveOrganization } from "../members/remove-member.ts";
import { createOrganization } from "./create-organization.ts";
import { exportOrganization } from "./export-organization.ts";
import { listOrganizations } from "./list-organizations.ts";
import { cancelDeletion, planDeletion } from "./plan-deletion.ts";
import { switchOrganization } from "./switch-organization.ts";
import { updateOrganization } from "./update-organization.ts";

const tag = "organizations";
const nothing = { tag, status: 204, response: null } as const;
const own = "/api/v1/organization";

/** Routes of organisations: mine, making one, changing between them, and the life of the one that the caller works in. */
export function organizationRoutes(api: Api, ctx: Context): void {
  const list = defineRoute({
    method: "get",
    path: "/api/v1/organizations",
    permission: "authenticated",
    tag,
    summary: "Organisations that the caller belongs to",
    response: organizationList,
  });
  const create = defineRoute({
    method: "post",
    path: "/api/v1/organizations",
    permission: "authenticated",
    tag,
    summary: "Make an organisation; the caller owns it",
    body: createBody,
    status: 201,
    response: z.object({ id }),
  });
  const change = defineRoute({
    ...nothing,
    method: "post",
    path: "/api/v1/session/organization",
    permission: "authenticated",
    summary: "Work in another organisation with this session",
    body: switchBody,
    idempotent: false,
  });
  const update = defineRoute({
    ...nothing,
    method: "patch",
    path: own,
    permission: "organization.manage",
    summary: "Rename the organisation",
    body: updateBody,
  });
  const leave = defineRoute({
    ...nothing,
    method: "post",
    path: `${own}/leave`,
    permission: "authenticated",
    summary: "Leave the organisation",
    idempotent: false,
  });
  const plan = defineRoute({
    method: "post",
    path: `${own}/deletion`,
    permission: "organization.delete",
    tag,
    summary: "Delete the organisation with everything in it, after a period of grace",
    stepUp: true,
    body: planBody,
    response: z.object({ deleteAfter: time }),
  });
  const cancel = defineRoute({
    ...nothing,
    method: "delete",
    path: `${own}/deletion`,
    permission: "organization.delete",
    summary: "Take the planned deletion back",
  });
  const exportAll = defineRoute({
    method: "get",
    path: `${own}/export`,
    permission: "organization.export",
    tag,
    summary: "Everything of the organisation but secrets: gzipped lines of JSON",
    mediaType: "application/gzip",
    response: null,
  });
  api.route(list, ({ identity }) => listOrganizations({ ctx, input: { identity: identity! } }));
  api.route(create, async ({ principal, body }) => ({ id: await createOrganization({ ctx, principal, input: body }) }));
  api.route(change, ({ identity, body }) => switchOrganization({ ctx, input: { identity: identity!, ...body } }));
  api.route(update, ({ principal, body }) => updateOrganization({ ctx, principal, input: body }));
  api.route(leave, ({ principal }) => leaveOrganization({ ctx, principal }));
  api.route(plan, async ({ principal, body }) => ({
    deleteAfter: new Date(await planDeletion({ ctx, principal, input: body })).toISOString(),
  }));
  api.route(exportAll, async ({ principal }) => {
    const { fileName, stream } = await exportOrganization({ ctx, principal });
    return new Reply(stream, [
      ["content-type", "application/gzip"],
      ["content-disposition", `attachment; filename="${fileName}"`],
      ["cache-control", "no-store"],
    ]);
  });
  api.route(cancel, ({ principal }) => cancelDeletion({ ctx, principal }));
}
