import type { SavedView, ServerGroup, Tag, TagColor } from "@devflow/api";
import type { ApiError } from "#api/client.ts";
import { groupsApi } from "#api/groups.ts";

/** As other people change them too; a new group or tag of a server is asked for at once. */
const FRESH_MS = 60_000;
const GATHER_MS = 500;
const HAD_VIEWS = "had-views";

/** Names of groups, colours of tags and saved views: what the pages of servers mark theirs with. */
class Marks {
  /** Null until they are loaded. */
  groups = $state.raw<readonly ServerGroup[] | null>(null);
  tags = $state.raw<readonly Tag[] | null>(null);
  views = $state.raw<readonly SavedView[] | null>(null);
  error = $state.raw<ApiError | null>(null);
  #byId = $derived(new Map((this.groups ?? []).map((group) => [group.id, group])));
  #byName = $derived(new Map((this.tags ?? []).map((tag) => [tag.name, tag])));
  #users = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #soon: ReturnType<typeof setTimeout> | undefined;

  /** Name of a group; null while it is not known. What is unknown is asked for soon. */
  groupName = (id: string): string | null => this.#byId.get(id)?.name ?? null;
  color = (tag: string): TagColor => this.#byName.get(tag)?.color ?? "grey";
  description = (tag: string): string => this.#byName.get(tag)?.description ?? "";

  /** Loads and follows for as long as somebody uses it; returns what gives it back. */
  use(): () => void {
    if (this.#users++ === 0) {
      void this.load();
      this.#timer = setInterval(() => document.visibilityState === "visible" && void this.load(), FRESH_MS);
    }
    return () => {
      if (--this.#users === 0) clearInterval(this.#timer);
    };
  }

  async load(): Promise<void> {
    try {
      const [groups, tags, views] = await Promise.all([groupsApi.groups(), groupsApi.tags(), groupsApi.views()]);
      [this.groups, this.tags, this.views] = [groups.items, tags.items, views.items];
      this.error = null;
      localStorage.setItem(HAD_VIEWS, views.items.length > 0 ? "1" : "");
    } catch (error) {
      this.error = error as ApiError;
    }
  }

  /** Looks again soon, once for many who ask. */
  loadSoon(): void {
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => void this.load(), GATHER_MS);
  }
}

export const marks = new Marks();

/** Whether this browser saw views when it was last here: their row then has its room before they are known. */
export const hadViews = (): boolean => localStorage.getItem(HAD_VIEWS) === "1";
