type Cell = string | number | null;

/** A cell that a spreadsheet would take for a formula gets an apostrophe before it: names come from other machines. */
const cell = (value: Cell): string => {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

/** RFC 4180 text with a head row. */
export const toCsv = (head: readonly string[], rows: Iterable<readonly Cell[]>): string =>
  `${[head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;

/** Hands text to the browser as a file. */
export function download(name: string, text: string, type = "text/csv"): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const a = document.createElement("a");
  a.href = url;
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
