import type {
  ChangedTag,
  CreateSavedView,
  CreateServerGroup,
  CreateTag,
  DeletedServerGroup,
  SavedView,
  ServerGroup,
  Tag,
  UpdateSavedView,
  UpdateServerGroup,
  UpdateTag,
} from "@devflow/api";
import { call } from "./client.ts";

const v1 = "/api/v1";
const s = encodeURIComponent;

/** Calls about groups, tags and saved views. */
export const groupsApi = {
  groups: () => call<{ items: ServerGroup[] }>("GET", `${v1}/groups`),
  createGroup: (body: CreateServerGroup) => call<ServerGroup>("POST", `${v1}/groups`, { body }),
  updateGroup: (id: string, body: UpdateServerGroup) => call<ServerGroup>("PATCH", `${v1}/groups/${s(id)}`, { body }),
  deleteGroup: (id: string) => call<DeletedServerGroup>("DELETE", `${v1}/groups/${s(id)}`),
  teams: () => call<{ items: { id: string; name: string }[] }>("GET", `${v1}/teams`),
  tags: () => call<{ items: Tag[] }>("GET", `${v1}/tags`),
  createTag: (body: CreateTag) => call<Tag>("POST", `${v1}/tags`, { body }),
  updateTag: (name: string, body: UpdateTag) => call<ChangedTag>("PATCH", `${v1}/tags`, { query: { name }, body }),
  deleteTag: (name: string) => call<ChangedTag>("DELETE", `${v1}/tags`, { query: { name } }),
  views: () => call<{ items: SavedView[] }>("GET", `${v1}/views`),
  createView: (body: CreateSavedView) => call<SavedView>("POST", `${v1}/views`, { body }),
  updateView: (id: string, body: UpdateSavedView) => call<SavedView>("PATCH", `${v1}/views/${s(id)}`, { body }),
  deleteView: (id: string) => call<unknown>("DELETE", `${v1}/views/${s(id)}`),
  setDefaultView: (viewId: string | null) => call<unknown>("PUT", `${v1}/me/default-view`, { body: { viewId } }),
};
