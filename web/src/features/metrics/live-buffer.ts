import type { LiveServerMessage } from "@devflow/api";
import { familyByName } from "@devflow/catalogue";
import type { Dataset, Series } from "./dataset.ts";

type Frame = Pick<Extract<LiveServerMessage, { type: "frame" }>, "timeMs" | "rows">;

/** A pause longer than this is drawn as a gap. */
const GAP_SECONDS = 4;

const gaps = (length: number): (number | null)[] => Array.from({ length }, () => null);

/** The last seconds of one server as they came, appended to the stored points before them. */
export class LiveBuffer {
  #frames: Frame[] = [];
  #times: number[] = [];
  #values = new Map<string, Map<string, (number | null)[]>>();
  readonly #keepSeconds: number;

  /** @param keepSeconds older frames are forgotten */
  constructor(keepSeconds: number) {
    this.#keepSeconds = keepSeconds;
  }

  get lastSeconds(): number | null {
    return this.#times.at(-1) ?? null;
  }

  /** Adds frames of any age: what is there already is left out, the rest goes where its time says. */
  merge(frames: readonly Frame[]): void {
    const known = new Set(this.#frames.map((frame) => frame.timeMs));
    const all = [...this.#frames, ...frames.filter((frame) => !known.has(frame.timeMs))].sort((a, b) => a.timeMs - b.timeMs);
    this.#frames = [];
    this.#times = [];
    this.#values.clear();
    for (const frame of all) this.push(frame);
  }

  /** Adds a frame; one that is not newer than the last is left out. */
  push(frame: Frame): void {
    const seconds = frame.timeMs / 1000;
    const last = this.lastSeconds;
    if (last !== null && seconds <= last) return;
    this.#frames.push(frame);
    while ((this.#frames[0] as Frame).timeMs / 1000 < seconds - this.#keepSeconds) this.#frames.shift();
    if (last !== null && seconds - last > GAP_SECONDS) this.#append(last + 1, []);
    this.#append(seconds, frame.rows);
    const drop = this.#times.findIndex((t) => t >= seconds - this.#keepSeconds);
    if (drop <= 0) return;
    this.#times.splice(0, drop);
    for (const instances of this.#values.values()) for (const values of instances.values()) values.splice(0, drop);
  }

  #append(seconds: number, rows: Frame["rows"]): void {
    this.#times.push(seconds);
    for (const { family, instance, values } of rows) {
      familyByName(family)?.measures.forEach((measure, i) => {
        const metric = `${family}.${measure.name}`;
        let instances = this.#values.get(metric);
        if (!instances) this.#values.set(metric, (instances = new Map()));
        let list = instances.get(instance);
        if (!list) instances.set(instance, (list = gaps(this.#times.length - 1)));
        list.push(values[i] ?? null);
      });
    }
    // What this frame did not speak of has a gap.
    for (const instances of this.#values.values())
      for (const list of instances.values()) if (list.length < this.#times.length) list.push(null);
  }

  /**
   * Stored points up to the first frame, then the frames.
   * @param history null while it is not there yet
   */
  dataset(history: Dataset | null, toSeconds: number): Dataset {
    const first = this.#times[0] ?? Number.POSITIVE_INFINITY;
    const until = history === null ? 0 : history.times.findLastIndex((t) => t < first) + 1;
    const times = [...(history?.times.slice(0, until) ?? []), ...this.#times];
    const series = new Map<string, Series[]>();
    for (const metric of new Set([...(history?.series.keys() ?? []), ...this.#values.keys()])) {
      const stored = history?.series.get(metric) ?? [];
      const live = this.#values.get(metric);
      const names = [...new Set([...stored.map((s) => s.instance), ...(live?.keys() ?? [])])];
      series.set(
        metric,
        names.map((instance) => ({
          instance,
          mean: [
            ...(stored.find((s) => s.instance === instance)?.mean.slice(0, until) ?? gaps(until)),
            ...(live?.get(instance) ?? gaps(this.#times.length)),
          ],
          max: null,
        })),
      );
    }
    return { times, fromSeconds: toSeconds - this.#keepSeconds, toSeconds, stepSeconds: 1, series };
  }
}
