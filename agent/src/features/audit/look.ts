import { readTaskKey } from "../../state/task-key.ts";
import { isSigned } from "./checkpoint.ts";
import { readCheckpointFile } from "./file.ts";

/** For `devflow-agent audit-checkpoints`: what is held, oldest first, one JSON object a line. Throws AppError internal. */
export const checkpointLines = async (stateDir: string): Promise<string[]> =>
  (await readCheckpointFile(stateDir)).kept.map((line) => JSON.stringify(line));

/** For the doctor: how many are held, and what is wrong with them in words; null: nothing. */
export async function lookAtCheckpoints(stateDir: string): Promise<{ kept: number; newest: number | null; wrong: string | null }> {
  try {
    const [{ kept, damaged }, key] = await Promise.all([readCheckpointFile(stateDir), readTaskKey(stateDir)]);
    const unsigned = key === null ? 0 : kept.filter((one) => !isSigned(key, one)).length;
    const wrong =
      damaged > 0
        ? `${damaged} lines of audit-checkpoints.ndjson are damaged`
        : unsigned > 0
          ? `${unsigned} of ${kept.length} audit checkpoints are not signed by the pinned key: the file was edited, or the key replaced`
          : null;
    return { kept: kept.length, newest: kept.at(-1)?.sequence ?? null, wrong };
  } catch (error) {
    return { kept: 0, newest: null, wrong: (error as Error).message };
  }
}
