/** Formatting of quantities for people: binary units for sizes, rounded to what is useful. */

const binary = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

const trimmed = (value: number): string => String(value >= 100 ? Math.round(value) : Math.round(value * 10) / 10);

/** 1536 → "1.5 KiB". Negative values keep their sign. */
export function formatBytes(bytes: number): string {
  const sign = bytes < 0 ? "-" : "";
  let value = Math.abs(bytes);
  let unit = 0;
  while (value >= 1023.5 && unit < binary.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${sign}${unit === 0 ? Math.round(value) : trimmed(value)} ${binary[unit]}`;
}

/** 1536 → "1.5 KiB/s", 10 MiB → "10.0 MiB/s": what changes each second keeps its digits. */
export const formatByteRate = (bytesPerSecond: number): string => `${formatBytes(bytesPerSecond).replace(/^(-?\d{1,2}) (?!B)/, "$1.0 ")}/s`;

/** 12.34 → "12 %", 3.21 → "3.2 %". */
export const formatPercent = (percent: number): string =>
  `${Math.abs(percent) < 10 && !Number.isInteger(percent) ? percent.toFixed(1) : percent.toFixed(0)} %`;

/** Seconds as the two largest useful units: 93784 → "1 d 2 h", 65 → "1 min 5 s", 0.25 → "250 ms". */
export function formatDuration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  const parts: string[] = [];
  let rest = Math.round(seconds);
  for (const [unit, size] of [
    ["d", 86_400],
    ["h", 3_600],
    ["min", 60],
    ["s", 1],
  ] as const) {
    const n = Math.floor(rest / size);
    rest %= size;
    if (n > 0) parts.push(`${n} ${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}

/** 1234.5 → "1,235"; 0.123 → "0.12". */
export const formatCount = (n: number): string =>
  Math.abs(n) >= 10 || Number.isInteger(n) ? Math.round(n).toLocaleString("en-US") : n.toFixed(Math.abs(n) < 1 ? 2 : 1);

/** 4.25 → "4.3 ms", 250 → "250 ms", 65000 → "1 min 5 s". */
const formatMilliseconds = (ms: number): string => {
  if (ms >= 1000) return formatDuration(ms / 1000);
  return `${ms === 0 || ms >= 10 ? Math.round(ms) : ms.toFixed(1)} ms`;
};

const formats: Readonly<Record<string, (value: number) => string>> = {
  percent: formatPercent,
  bytes: formatBytes,
  bytes_per_second: formatByteRate,
  milliseconds: formatMilliseconds,
  seconds: formatDuration,
  per_second: (value) => `${formatCount(value)}/s`,
  ratio: (value) => value.toFixed(2),
};

/** A value in a unit of the catalogue, for people; "–" where there is none, a plain count in a unit that is not known. */
export const formatValue = (value: number | null | undefined, unit: string): string =>
  value == null ? "–" : (formats[unit] ?? formatCount)(value);
