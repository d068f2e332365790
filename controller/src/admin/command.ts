import type { Logger } from "pino";
import type { Config } from "../config.ts";
import type { OpenDatabase } from "../platform/db/index.ts";

/** One of `devflow admin …`. */
export interface AdminCommand {
  readonly name: string;
  readonly meaning: string;
  /** How its arguments are written; without it none are taken. */
  readonly takes?: string;
  /** @returns the exit code: 0 done, 1 something was found, 2 wrong use. Throws AppError with what to do. */
  run(input: {
    readonly args: readonly string[];
    readonly config: Config;
    /** Open and migrated. */
    readonly database: OpenDatabase;
    readonly log: Logger;
    readonly say: (line: string) => void;
  }): Promise<number>;
}
