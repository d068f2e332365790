import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { Failure } from "./failure.ts";

/**
 * Writes what comes into a file, readable by its user alone, or to `output` for "-". A file is there as a whole or not
 * at all; one of that name is replaced. Returns its size in bytes. Throws Failure when it cannot be written.
 */
export async function saveTo(path: string, pieces: AsyncIterable<Uint8Array>, output: NodeJS.WriteStream): Promise<number> {
  let size = 0;
  async function* counted() {
    for await (const piece of pieces) {
      size += piece.length;
      yield piece;
    }
  }
  if (path === "-") {
    await pipeline(counted(), output, { end: false });
    return size;
  }
  const part = `${path}.${process.pid}.part`;
  try {
    await pipeline(counted(), createWriteStream(part, { flags: "wx", mode: 0o600 }));
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall !== undefined && code !== undefined)
      throw new Failure("failure", `${path} cannot be written: ${code}`, "Name another file with --output");
    throw error;
  }
  return size;
}
