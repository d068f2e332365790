import { api, type ApiError } from "#api/client.ts";
import { live } from "#api/live.svelte.ts";
import { datasetOf, type Dataset } from "./dataset.ts";
import { LiveBuffer } from "./live-buffer.ts";
import { endsOf, ranges, type Range } from "./ranges.ts";

/** An hour of 10-second rows as they are stored. */
const MAX_POINTS = 400;
/** When the stored points are asked for again after the live seconds began: the rows just before them come late. */
const REFILL_MS = [12_000, 25_000];
const REUSABLE_MS = 4000;

/** The seconds of the server that was watched last: going from one tab to another keeps them. */
let kept: { serverId: string; buffer: LiveBuffer; atMs: number } | null = null;

/** The values behind the charts of one server: loads a range, renews it, and appends seconds while live. */
export class ServerMetrics {
  data = $state.raw<Dataset | null>(null);
  error = $state.raw<ApiError | null>(null);
  loading = $state(true);
  /** When the newest live second was read on the server, milliseconds since 1970. */
  lastFrameMs = $state<number | null>(null);
  /** What was asked last, for "as curl". */
  asked = $state.raw<{ from: string; to: string; metrics: string; maxPoints: number } | null>(null);
  #stop: (() => void)[] = [];
  #request: AbortController | null = null;

  /** Shows a range of a server; what is on screen stays until the new values are there. */
  show(serverId: string, metrics: readonly string[], range: Range): void {
    this.stop();
    this.loading = true;
    const moving = range.fixed === null;
    if (moving && range.key === "live") return this.#live(serverId, metrics, range);
    const load = () =>
      this.#load(serverId, metrics, range).then((data) => {
        if (data) this.data = data;
      });
    void load();
    if (moving) {
      const timer = setInterval(() => {
        if (document.visibilityState === "visible") void load();
      }, ranges[range.key].refreshSeconds * 1000);
      this.#stop.push(
        () => clearInterval(timer),
        live.onReopened(() => void load()),
      );
    }
  }

  #live(serverId: string, metrics: readonly string[], range: Range): void {
    const seconds = ranges.live.seconds;
    const buffer = kept?.serverId === serverId && Date.now() - kept.atMs < REUSABLE_MS ? kept.buffer : new LiveBuffer(seconds);
    let history: Dataset | null = null;
    const draw = () => (this.data = buffer.dataset(history, buffer.lastSeconds ?? Date.now() / 1000));
    const load = () =>
      this.#load(serverId, metrics, range).then((data) => {
        if (!data) return;
        history = data;
        draw();
      });
    void load();
    const refills = REFILL_MS.map((ms) => setTimeout(() => void load(), ms));
    this.#stop.push(
      () => refills.forEach(clearTimeout),
      live.onReopened(() => void load()),
      live.subscribe(`server:${serverId}`, (message) => {
        if (message.type === "refused") return;
        if (message.type === "frame") buffer.push(message);
        else if (message.type === "frames") buffer.merge(message.frames);
        else return;
        kept = { serverId, buffer, atMs: Date.now() };
        if (message.type === "frame") this.lastFrameMs = message.timeMs;
        if (history !== null && document.visibilityState === "visible") draw();
      }),
    );
  }

  async #load(serverId: string, metrics: readonly string[], range: Range): Promise<Dataset | null> {
    this.#request?.abort();
    const control = new AbortController();
    this.#request = control;
    const { fromMs, toMs } = endsOf(range, Date.now());
    const query = {
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      metrics: metrics.join(","),
      maxPoints: MAX_POINTS,
    };
    this.asked = query;
    try {
      const result = await api.metrics(serverId, query, control.signal);
      this.error = null;
      return datasetOf(result);
    } catch (error) {
      if (!control.signal.aborted) this.error = error as ApiError;
      return null;
    } finally {
      if (this.#request === control) this.loading = false;
    }
  }

  stop(): void {
    for (const stop of this.#stop.splice(0)) stop();
    this.#request?.abort();
  }
}
