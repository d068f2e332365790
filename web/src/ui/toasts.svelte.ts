export interface Toast {
  id: number;
  text: string;
  kind: "info" | "good" | "bad";
  /** Offered as "Undo" until the toast leaves. */
  undo?: () => void;
  requestId?: string;
}

class Toasts {
  list = $state<Toast[]>([]);
  #next = 1;
  /** What is still to be done when a toast leaves, by its id. */
  readonly #waiting = new Map<number, () => Promise<unknown> | void>();

  /**
   * Says something for a while; errors stay until closed.
   * @param options.onLeave what may be undone until then; done when the toast leaves in whatever way, unless it was undone
   */
  show(
    text: string,
    options: {
      kind?: Toast["kind"];
      undo?: () => void;
      requestId?: string | null;
      ms?: number;
      onLeave?: () => Promise<unknown> | void;
    } = {},
  ): number {
    const id = this.#next++;
    const { kind = "info", undo, requestId, ms = undo ? 7000 : 4000, onLeave } = options;
    this.list.push({ id, text, kind, ...(undo ? { undo } : {}), ...(requestId ? { requestId } : {}) });
    if (onLeave) this.#waiting.set(id, onLeave);
    if (kind !== "bad") setTimeout(() => this.close(id), ms);
    return id;
  }

  /** Shows a failed call. */
  error(error: unknown, doing: string): void {
    const e = error as { message?: string; requestId?: string | null };
    this.show(`${doing} did not work: ${e.message ?? String(error)}`, { kind: "bad", requestId: e.requestId ?? null });
  }

  close(id: number): void {
    this.list = this.list.filter((t) => t.id !== id);
    void this.#leave(id);
  }

  undo(toast: Toast): void {
    this.#waiting.delete(toast.id);
    toast.undo?.();
    this.close(toast.id);
  }

  /** Does at once what waits for an undo: whoever leaves the page or signs out has meant it. */
  async settle(): Promise<void> {
    await Promise.all([...this.#waiting.keys()].map((id) => this.#leave(id)));
  }

  async #leave(id: number): Promise<void> {
    const work = this.#waiting.get(id);
    this.#waiting.delete(id);
    await work?.();
  }
}

export const toasts = new Toasts();
