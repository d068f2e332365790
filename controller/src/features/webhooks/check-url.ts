import { AppError } from "@devflow/errors";
import type { Outgoing } from "../../platform/outgoing/index.ts";

/**
 * Tells of an address that would be refused before anything is sent to it. One whose name does not answer right now
 * passes: each delivery looks again anyway. Throws AppError invalid.
 */
export async function checkUrl(outgoing: Outgoing, url: string): Promise<void> {
  try {
    await outgoing.check(url);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "forbidden") return;
    throw new AppError("invalid", `The body is not as expected: url: ${error.message}`, {
      details: { fields: [{ path: "url", message: error.message }] },
    });
  }
}
