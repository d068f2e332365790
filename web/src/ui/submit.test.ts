import { describe, expect, it, vi } from "vitest";
import { Submit } from "./submit.svelte.ts";

describe("Submit", () => {
  it("is busy while the work lasts, and ignores a second press", async () => {
    const form = new Submit();
    let finish = (): void => undefined;
    const work = vi.fn<() => Promise<void>>(() => new Promise<void>((resolve) => (finish = resolve)));
    const first = form.run(work);
    expect(form.busy).toBe(true);
    expect(await form.run(work)).toBe(false);
    finish();
    expect(await first).toBe(true);
    expect(form.busy).toBe(false);
    expect(work).toHaveBeenCalledTimes(1);
  });

  it("keeps what went wrong until the next try", async () => {
    const form = new Submit();
    const wrong = new Error("no");
    expect(await form.run(() => Promise.reject(wrong))).toBe(false);
    expect(form.error).toBe(wrong);
    expect(form.busy).toBe(false);
    const second = form.run(() => Promise.resolve());
    expect(form.error).toBeNull();
    expect(await second).toBe(true);
  });

  it("takes a form's event away from the browser, even while busy", () => {
    const form = new Submit();
    const work = vi.fn<() => Promise<void>>(() => new Promise<void>(() => undefined));
    const handler = form.on(work);
    const preventDefault = vi.fn<() => void>();
    for (let n = 0; n < 2; n++) handler({ preventDefault } as unknown as SubmitEvent);
    expect(preventDefault).toHaveBeenCalledTimes(2);
    expect(work).toHaveBeenCalledTimes(1);
  });
});
