import { z } from "zod";
import { id, orNull, time } from "./platform.ts";
import { tagColors } from "./tag-colors.ts";

export * from "./tag-colors.ts";

/** Tags that a server can have at once. */
export const maxServerTags = 50;

/** Letters, digits and . _ - : / as in "prod", "rack:4", "team/web"; 1 to 50 of them. Upper and lower case are different tags. */
export const tagName = z
  .string()
  .trim()
  .normalize("NFC")
  .min(1)
  .max(50)
  .regex(/^[\p{L}\p{M}\p{N}._:/-]+$/u, "expected letters, digits and . _ - : / without spaces");
/** Tags of one server, each once. */
export const serverTags = z
  .array(tagName)
  .max(maxServerTags)
  .transform((names) => [...new Set(names)]);

const line = z
  .string()
  .trim()
  .max(500)
  .regex(/^[^\p{Cc}]*$/u, "expected one line without control characters");
const groupName = z
  .string()
  .trim()
  .normalize("NFC")
  .min(1)
  .max(100)
  .regex(/^[\p{L}\p{M}\p{N} ._:/&()+-]+$/u, "expected letters, digits, spaces and . _ : / & ( ) + -")
  .regex(/^(?!none$)/i, '"none" stands for servers without a group; choose another name');

/** A group of servers; a server is in one at most. */
export const serverGroup = z
  .object({
    id,
    name: z.string(),
    description: z.string(),
    /** The team that owns it: roles over what the team owns reach its servers. */
    team: orNull(z.object({ id, name: z.string() })),
    /** Servers that may connect, and how many of them are online. */
    servers: z.object({ total: z.int(), online: z.int() }),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: "ServerGroup" });
export type ServerGroup = z.infer<typeof serverGroup>;
export const serverGroupList = z.object({ items: z.array(serverGroup) }).meta({ id: "ServerGroupList" });
export const createServerGroup = z
  .object({ name: groupName, description: line.optional(), teamId: id.nullable().optional() })
  .meta({ id: "CreateServerGroup" });
export type CreateServerGroup = z.infer<typeof createServerGroup>;
export const updateServerGroup = z
  .object({ name: groupName.optional(), description: line.optional(), teamId: id.nullable().optional() })
  .meta({ id: "UpdateServerGroup" });
export type UpdateServerGroup = z.infer<typeof updateServerGroup>;
/** What went with a group: servers that are in no group now, and enrolment tokens that were revoked. */
export const deletedServerGroup = z.object({ servers: z.int(), enrolmentTokens: z.int() }).meta({ id: "DeletedServerGroup" });
export type DeletedServerGroup = z.infer<typeof deletedServerGroup>;

export const tagColor = z.enum(tagColors).meta({ id: "TagColor" });
/** A tag that is in use within the caller's reach, or was given a colour or a description. */
export const tag = z.object({ name: z.string(), color: tagColor, description: z.string(), servers: z.int() }).meta({ id: "Tag" });
export type Tag = z.infer<typeof tag>;
export const tagList = z.object({ items: z.array(tag) }).meta({ id: "TagList" });
export const createTag = z.object({ name: tagName, color: tagColor.optional(), description: line.optional() }).meta({ id: "CreateTag" });
export type CreateTag = z.infer<typeof createTag>;
/** Which tag a change is about; in the query, since names hold slashes. */
export const tagQuery = z.object({ name: z.string().min(1).max(50) });
/** With the name of another tag the two become one, which keeps its own colour and description. */
export const updateTag = z
  .object({ name: tagName.optional(), color: tagColor.optional(), description: line.optional() })
  .meta({ id: "UpdateTag" });
export type UpdateTag = z.infer<typeof updateTag>;
/** Servers whose tags changed. */
export const changedTag = z.object({ tag: orNull(tag), servers: z.int() }).meta({ id: "ChangedTag" });
export type ChangedTag = z.infer<typeof changedTag>;

/** What the page of servers holds in its address: filter, order, form and headings. */
export const viewQuery = z
  .strictObject({
    q: z.string().max(500).optional(),
    sort: z.string().max(30).optional(),
    view: z.enum(["cards"]).optional(),
    by: z.enum(["group", "tag"]).optional(),
  })
  .meta({ id: "ViewQuery" });
export type ViewQuery = z.infer<typeof viewQuery>;
const viewName = line.min(1).max(100);
/** A list of servers under a name. */
export const savedView = z
  .object({
    id,
    name: z.string(),
    query: viewQuery,
    /** Seen by everybody of the organisation. */
    shared: z.boolean(),
    /** Whether it is the caller's own. */
    mine: z.boolean(),
    /** Whether the caller's list of servers begins with it. */
    isDefault: z.boolean(),
    /** Whether the caller may change and delete it. */
    mayChange: z.boolean(),
    createdAt: time,
  })
  .meta({ id: "SavedView" });
export type SavedView = z.infer<typeof savedView>;
export const savedViewList = z.object({ items: z.array(savedView) }).meta({ id: "SavedViewList" });
export const createSavedView = z
  .object({ name: viewName, query: viewQuery, shared: z.boolean().optional() })
  .meta({ id: "CreateSavedView" });
export type CreateSavedView = z.infer<typeof createSavedView>;
export const updateSavedView = z
  .object({ name: viewName.optional(), query: viewQuery.optional(), shared: z.boolean().optional() })
  .meta({ id: "UpdateSavedView" });
export type UpdateSavedView = z.infer<typeof updateSavedView>;
export const defaultView = z.object({ viewId: id.nullable() }).meta({ id: "DefaultView" });
export type DefaultView = z.infer<typeof defaultView>;
