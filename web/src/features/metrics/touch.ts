import type uPlot from "uplot";

/** Fingers on a chart: one moves the cursor, two zoom to what lies between them. */
export const touches = (plot: () => uPlot | null, zoom: (fromSeconds: number, toSeconds: number) => void) => (element: HTMLElement) => {
  const fingers = new Map<number, number>();
  let pinched: readonly [number, number] | null = null;
  const place = (u: uPlot, event: PointerEvent) => event.clientX - u.over.getBoundingClientRect().left;

  function move(event: PointerEvent) {
    const u = plot();
    if (event.pointerType !== "touch" || !u || !fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, place(u, event));
    const [a, b] = [...fingers.values()];
    if (a !== undefined && b !== undefined) pinched = [u.posToVal(Math.min(a, b), "x"), u.posToVal(Math.max(a, b), "x")];
    else u.setCursor({ left: a ?? 0, top: 10 });
  }
  function down(event: PointerEvent) {
    const u = plot();
    if (event.pointerType !== "touch" || !u) return;
    fingers.set(event.pointerId, place(u, event));
    move(event);
  }
  function up(event: PointerEvent) {
    if (!fingers.delete(event.pointerId)) return;
    if (pinched && fingers.size === 0) {
      zoom(...pinched);
      pinched = null;
    }
    if (fingers.size === 0) plot()?.setCursor({ left: -10, top: -10 });
  }
  element.addEventListener("pointerdown", down);
  element.addEventListener("pointermove", move);
  element.addEventListener("pointerup", up);
  element.addEventListener("pointercancel", up);
  return () => {
    element.removeEventListener("pointerdown", down);
    element.removeEventListener("pointermove", move);
    element.removeEventListener("pointerup", up);
    element.removeEventListener("pointercancel", up);
  };
};
