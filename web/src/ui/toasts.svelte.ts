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

  /** Says something for a while; errors stay until closed. */
  show(
    text: string,
    options: { kind?: Toast["kind"]; undo?: () => void; requestId?: string | null; ms?: number; onLeave?: () => void } = {},
  ): number {
    const id = this.#next++;
    const { kind = "info", undo, requestId, ms = undo ? 7000 : 4000, onLeave } = options;
    this.list.push({ id, text, kind, ...(undo ? { undo } : {}), ...(requestId ? { requestId } : {}) });
    if (kind !== "bad") {
      setTimeout(() => {
        const there = this.list.some((t) => t.id === id);
        this.close(id);
        if (there) onLeave?.();
      }, ms);
    }
    return id;
  }

  /** Shows a failed call. */
  error(error: unknown, doing: string): void {
    const e = error as { message?: string; requestId?: string | null };
    this.show(`${doing} did not work: ${e.message ?? String(error)}`, { kind: "bad", requestId: e.requestId ?? null });
  }

  close(id: number): void {
    this.list = this.list.filter((t) => t.id !== id);
  }
}

export const toasts = new Toasts();
