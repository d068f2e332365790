import { readFile } from "node:fs/promises";

/** Direct children of a process, oldest first; none when it is gone. */
export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return text.split(" ").filter(Boolean).map(Number);
}

/** A process and everything below it. */
export async function processTree(pid: number): Promise<number[]> {
  const below = await Promise.all((await childrenOf(pid)).map(processTree));
  return [pid, ...below.flat()];
}

async function kibibytes(file: string, field: string): Promise<number> {
  const value = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(await readFile(file, "utf8"))?.[1];
  if (value === undefined) throw new Error(`${file}: expected a line ${field}`);
  return Number(value);
}

/** Memory that a process holds in RAM, MB (10^6 bytes), pages shared with others counted in full. */
export const rssMb = async (pid: number): Promise<number> => ((await kibibytes(`/proc/${pid}/status`, "VmRSS")) * 1024) / 1e6;

/** The same with shared pages divided among those that share them, so that the sum over processes is right. */
export const pssMb = async (pid: number): Promise<number> => ((await kibibytes(`/proc/${pid}/smaps_rollup`, "Pss")) * 1024) / 1e6;
