import { readFile } from "node:fs/promises";
import { AppError } from "@devflow/errors";
import { gzipSync } from "node:zlib";
import { sha256Hex } from "../rules.ts";

/** A bundle of the agent's package as it is handed out. */
export interface AgentBundle {
  readonly gzipped: Buffer;
  /** Of the gzipped bytes, hexadecimal. */
  readonly sha256: string;
  /** Of the bundle itself, hexadecimal: what tells two builds apart. */
  readonly contentSha256: string;
}

/**
 * Reads and compresses the bundle once.
 * Throws AppError unavailable when it was not built.
 */
export async function readAgentBundle(path: string): Promise<AgentBundle> {
  const bundle = await readFile(path).catch((cause: unknown) => {
    throw new AppError("unavailable", "The agent's package is not built on this controller. Run npm run build there and try again.", {
      cause,
    });
  });
  const gzipped = gzipSync(bundle, { level: 9 });
  return { gzipped, sha256: sha256Hex(gzipped), contentSha256: sha256Hex(bundle) };
}
