import { modifiedAtMs, readText } from "../../host/files.ts";

/** Packages that wait. Fields are missing when not known. */
export interface Updates {
  readonly updatesPending?: number;
  readonly securityUpdatesPending?: number;
}

/** update-motd calls older lists stale too. */
const STALE_AFTER_MS = 7 * 86_400_000;

/**
 * Parses /var/lib/update-notifier/updates-available, which Ubuntu's apt-check writes for people ("12 updates can be
 * applied immediately." and "5 of these updates are standard security updates."; before 20.04 "12 packages can be
 * updated." and "5 updates are security updates."). Another language or an emptied file tells nothing.
 */
export function parseUpdates(text: string): Updates {
  const all = /^(\d{1,6}) (?:updates? can be applied immediately|packages? can be updated)\.$/m.exec(text);
  if (!all) return {};
  const security =
    /^(\d{1,6}) (?:of these updates (?:is a|are)(?: standard)? security updates?|updates? (?:is a|are) security updates?)\.$/m.exec(text);
  return { updatesPending: Number(all[1]), ...(security && { securityUpdatesPending: Number(security[1]) }) };
}

/**
 * Packages that wait for an update, as the machine itself counted them: apt writes the file after it looked, and empties
 * it when packages change. Not known where nobody counts, after dpkg was used on its own, and a week after the count.
 */
export function updatesOf(root: string, nowMs = Date.now()): Updates {
  const path = `${root}/var/lib/update-notifier/updates-available`;
  const countedMs = modifiedAtMs(path);
  if (countedMs === null || nowMs - countedMs > STALE_AFTER_MS) return {};
  const changedMs = modifiedAtMs(`${root}/var/lib/dpkg/status`);
  return changedMs !== null && changedMs > countedMs ? {} : parseUpdates(readText(path));
}
