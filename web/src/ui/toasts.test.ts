import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { toasts } from "./toasts.svelte.ts";

describe("what waits for an undo", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());
  const show = () => {
    const [undo, onLeave] = [vi.fn<() => void>(), vi.fn<() => void>()];
    const id = toasts.show("“ci” is revoked in a moment.", { undo, onLeave });
    return { id, undo, onLeave };
  };

  it("is done once when the time is over", () => {
    const { onLeave } = show();
    expect(onLeave).not.toHaveBeenCalled();
    vi.advanceTimersByTime(7000);
    expect(onLeave).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(7000);
    expect(onLeave).toHaveBeenCalledOnce();
  });
  it("is done when the notice is closed", () => {
    const { id, onLeave } = show();
    toasts.close(id);
    vi.advanceTimersByTime(7000);
    expect(onLeave).toHaveBeenCalledOnce();
  });
  it("is done before somebody leaves the page or signs out", async () => {
    const { onLeave } = show();
    await toasts.settle();
    expect(onLeave).toHaveBeenCalledOnce();
  });
  it("is not done when it was undone", async () => {
    const { id, undo, onLeave } = show();
    toasts.undo(toasts.list.find((one) => one.id === id)!);
    await toasts.settle();
    vi.advanceTimersByTime(7000);
    expect(undo).toHaveBeenCalledOnce();
    expect(onLeave).not.toHaveBeenCalled();
  });
});
