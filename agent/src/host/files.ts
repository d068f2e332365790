import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";

// For what is read seldom. Absent and forbidden are the same to all readers here: there is nothing to tell.

/** The text of a small file without the blanks around it, "" when it cannot be read. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return ""; // absent or forbidden
  }
}

/** Names in a folder in the order of their bytes, [] when it cannot be read. */
export function listFolder(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    return []; // absent or forbidden
  }
}

/** Where a symbolic link points, "" when it is none. */
export function linkTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // absent, forbidden or no link
  }
}

/** Whether there is something at a path. */
export const exists = (path: string): boolean => existsSync(path);

/** When a file was last written, milliseconds since 1970; null when it cannot be seen. */
export function modifiedAtMs(path: string): number | null {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return null; // absent or forbidden
  }
}
