import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";

const compress = promisify(gzip);
const worthwhileBytes = 1_400;

/**
 * A JSON answer, compressed when the reader takes it and it is larger than a packet. Only for answers to GET: those
 * never hold a secret whose length compression could give away.
 */
export async function compressedJson(
  text: string,
  acceptEncoding: string | null,
): Promise<{ body: string | Uint8Array<ArrayBuffer>; headers: Record<string, string> }> {
  const headers = { "content-type": "application/json", vary: "accept-encoding" };
  if (text.length < worthwhileBytes || !/\bgzip\b/.test(acceptEncoding ?? "")) return { body: text, headers };
  const body = new Uint8Array(await compress(text, { level: constants.Z_BEST_SPEED }));
  return { body, headers: { ...headers, "content-encoding": "gzip" } };
}
