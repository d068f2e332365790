export const groupId = (n: number) => `0c0e0000-0000-4000-8000-${String(n).padStart(12, "0")}`;

/** Group of a made-up server by its kind. */
export const groupOf = (kind: string): string | null =>
  ({ api: groupId(1), db: groupId(1), "edge-fra": groupId(2), "edge-ams": groupId(2), build: groupId(3), staging: groupId(3) })[kind] ??
  null;
