import type { Server } from "@devflow/api";
import { api, type ApiError } from "#api/client.ts";
import { live } from "#api/live.svelte.ts";
import { fleet } from "./fleet.svelte.ts";

const REFRESH_MS = 5000;

/** One server for its page: what the list knew at once, then its own, renewed while the page is looked at. */
export class OneServer {
  server = $state.raw<Server | null>(null);
  error = $state.raw<ApiError | null>(null);
  /** Asks again now. */
  load: () => void = () => undefined;

  /** Follows a server; returns what ends it. */
  follow(id: string): () => void {
    this.server = fleet.get(id) ?? null;
    this.error = null;
    const control = new AbortController();
    const load = async () => {
      try {
        this.put(await api.server(id, control.signal));
        this.error = null;
      } catch (error) {
        if (!control.signal.aborted) this.error = error as ApiError;
      }
    };
    this.load = () => void load();
    this.load();
    const timer = setInterval(() => {
      if (document.visibilityState === "visible" && this.error?.status !== 404) void load();
    }, REFRESH_MS);
    const reopened = live.onReopened(() => void load());
    return () => {
      control.abort();
      clearInterval(timer);
      reopened();
    };
  }

  put(server: Server): void {
    this.server = server;
    fleet.put(server);
  }
}
