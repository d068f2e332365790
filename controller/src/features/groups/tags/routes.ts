import { changedTag, createTag as createBody, tag as tagSchema, tagList, tagQuery, updateTag as updateBody } from "@devflow/api";
import type { Context } from "../../../platform/context.ts";
import { type Api, defineRoute } from "../../../platform/http/index.ts";
import { createTag } from "./create-tag.ts";
import { deleteTag } from "./delete-tag.ts";
import { listTags } from "./list-tags.ts";
import { updateTag } from "./update-tag.ts";

const path = "/api/v1/tags";
const tag = "groups";

/** Routes of tags. A server's own tags are changed with the server; here they are changed everywhere. */
export function tagRoutes(api: Api, ctx: Context): void {
  const list = defineRoute({
    method: "get",
    path,
    permission: "servers.read",
    scope: "somewhere",
    tag,
    summary: "Tags by name, with colour, description and how many servers have them",
    response: tagList,
  });
  const create = defineRoute({
    method: "post",
    path,
    permission: "tags.manage",
    tag,
    summary: "Give a tag a colour and a description",
    body: createBody,
    status: 201,
    response: tagSchema,
  });
  const update = defineRoute({
    method: "patch",
    path,
    permission: "tags.manage",
    tag,
    summary: "Rename, colour or describe a tag on all servers; with another tag's name the two become one",
    query: tagQuery,
    body: updateBody,
    response: changedTag,
  });
  const remove = defineRoute({
    method: "delete",
    path,
    permission: "tags.manage",
    tag,
    summary: "Take a tag from all servers",
    query: tagQuery,
    response: changedTag,
  });
  api.route(list, async ({ principal }) => ({ items: await listTags({ ctx, principal }) }));
  api.route(create, ({ principal, body }) => createTag({ ctx, principal, input: body }));
  api.route(update, ({ principal, query, body }) => updateTag({ ctx, principal, input: { ...body, tag: query.name } }));
  api.route(remove, ({ principal, query }) => deleteTag({ ctx, principal, input: { tag: query.name } }));
}
