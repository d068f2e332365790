/** A graphics processor. */
export interface Gpu {
  readonly vendor: string;
  readonly model: string;
  /** 0 when unknown. */
  readonly memoryBytes: number;
}

/** A memory module in its slot. */
export interface MemoryModule {
  readonly slot: string;
  readonly sizeBytes: number;
  /** "DDR4", "DDR5", …; "" when unknown. */
  readonly type: string;
  /** Transfers in millions a second, as it runs now; 0 when unknown. */
  readonly speedMts: number;
}

/** What /proc tells on Linux, for machines without it. Empty and 0 when unknown. */
export interface BaseFacts {
  readonly osName: string;
  readonly osId: string;
  readonly osVersion: string;
  readonly kernel: string;
  readonly product: string;
  readonly cpuModel: string;
  readonly cpuThreads: number;
  readonly cpuCores: number;
  readonly memoryBytes: number;
  readonly swapBytes: number;
  readonly bootTimeS: number;
  readonly timeZone: string;
  readonly blockDevices: readonly { name: string; sizeBytes: number; model: string; rotational: boolean }[];
  readonly filesystems: readonly { mountPoint: string; device: string; type: string; sizeBytes: number }[];
}

/** Facts that no single file holds. The child that reads them prints this as JSON. */
export interface Details {
  readonly gpus: readonly Gpu[];
  readonly memoryModules: readonly MemoryModule[];
  /** Kind of housing, for example "Rack Mount Chassis"; "" when unknown. */
  readonly chassis: string;
  readonly hasBattery: boolean;
  /** Null where /proc tells. */
  readonly base: BaseFacts | null;
}

const MAX_GPUS = 32;
const MAX_MODULES = 128;
const MAX_ROWS = 128;
const MAX_TEXT = 255;

type Fields = Record<string, unknown>;

const fields = (value: unknown): Fields => (typeof value === "object" && value !== null ? (value as Fields) : {});
const rows = (value: unknown, most: number): Fields[] => (Array.isArray(value) ? value.slice(0, most).map(fields) : []);
/** Without blanks around and control characters; what boards say when nobody filled the field in is no fact. */
export const textOf = (value: unknown): string => {
  const text = typeof value === "string" ? value.replace(/\p{Cc}/gu, "").trim() : "";
  return /^(?:unknown|other|not specified|none|to be filled by o\.?e\.?m\.?|default string|-)$/i.test(text) ? "" : text.slice(0, MAX_TEXT);
};
/** Whole, not negative, and exact in a double; else 0. */
export const countOf = (value: unknown): number => {
  const whole = typeof value === "number" ? Math.round(value) : 0;
  return whole > 0 && Number.isSafeInteger(whole) ? whole : 0;
};

function baseOf(value: unknown): BaseFacts {
  const b = fields(value);
  return {
    osName: textOf(b["osName"]),
    osId: textOf(b["osId"]),
    osVersion: textOf(b["osVersion"]),
    kernel: textOf(b["kernel"]),
    product: textOf(b["product"]),
    cpuModel: textOf(b["cpuModel"]),
    cpuThreads: countOf(b["cpuThreads"]),
    cpuCores: countOf(b["cpuCores"]),
    memoryBytes: countOf(b["memoryBytes"]),
    swapBytes: countOf(b["swapBytes"]),
    bootTimeS: countOf(b["bootTimeS"]),
    timeZone: textOf(b["timeZone"]),
    blockDevices: rows(b["blockDevices"], MAX_ROWS).map((d) => ({
      name: textOf(d["name"]),
      sizeBytes: countOf(d["sizeBytes"]),
      model: textOf(d["model"]),
      rotational: d["rotational"] === true,
    })),
    filesystems: rows(b["filesystems"], MAX_ROWS).map((f) => ({
      mountPoint: textOf(f["mountPoint"]),
      device: textOf(f["device"]),
      type: textOf(f["type"]),
      sizeBytes: countOf(f["sizeBytes"]),
    })),
  };
}

/** Reads what the child printed, bounded in every field; null when it is no JSON object. */
export function parseDetails(text: string): Details | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null; // cut off, or a runtime that could not start it
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const told = value as Fields;
  return {
    gpus: rows(told["gpus"], MAX_GPUS).map((g) => ({
      vendor: textOf(g["vendor"]),
      model: textOf(g["model"]),
      memoryBytes: countOf(g["memoryBytes"]),
    })),
    memoryModules: rows(told["memoryModules"], MAX_MODULES).map((m) => ({
      slot: textOf(m["slot"]),
      sizeBytes: countOf(m["sizeBytes"]),
      type: textOf(m["type"]),
      speedMts: Math.min(countOf(m["speedMts"]), 2 ** 32 - 1),
    })),
    chassis: textOf(told["chassis"]),
    hasBattery: told["hasBattery"] === true,
    base: told["base"] == null ? null : baseOf(told["base"]),
  };
}
