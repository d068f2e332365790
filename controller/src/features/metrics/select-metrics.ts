import { families, type Family, familyByName, type Measure } from "@devflow/catalogue";
import { AppError } from "@devflow/errors";

/** Measures of one family that were asked for. */
export interface Selection {
  readonly family: Family;
  readonly measures: readonly Measure[];
}

/**
 * Reads "host.cpu_busy,disk.*" into families and measures, each once, in the order asked for.
 * Throws AppError invalid, with what exists, for a name that does not.
 */
export function selectMetrics(metrics: string): Selection[] {
  const chosen = new Map<Family, Set<Measure>>();
  for (const name of metrics.split(",").map((part) => part.trim())) {
    const [familyName = "", measureName, ...rest] = name.split(".");
    const family = familyByName(familyName);
    if (family === undefined) throw unknownMetric(name, `families are ${families.map((f) => f.name).join(", ")}`);
    const measures = family.measures.filter((m) => measureName === "*" || m.name === measureName);
    if (measures.length === 0 || rest.length > 0) {
      throw unknownMetric(name, `${family.name} has ${family.measures.map((m) => m.name).join(", ")}, or ${family.name}.* for all`);
    }
    const set = chosen.get(family) ?? new Set();
    for (const measure of measures) set.add(measure);
    chosen.set(family, set);
  }
  return [...chosen].map(([family, measures]) => ({ family, measures: [...measures] }));
}

const unknownMetric = (name: string, known: string): AppError =>
  new AppError("invalid", `"${name}" is not a metric; expected family.measure: ${known}.`, { details: { metric: name } });
