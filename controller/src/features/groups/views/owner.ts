import { AppError } from "@devflow/errors";
import type { Principal } from "../../../platform/auth/index.ts";

/** The person behind a request; views are people's. Throws AppError forbidden for a service account. */
export function ownerOf({ userId }: Principal): string {
  if (userId === null) throw new AppError("forbidden", "Saved views belong to people; this token belongs to none");
  return userId;
}
