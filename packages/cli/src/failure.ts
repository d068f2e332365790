/** Exit codes, documented in docs/features/cli.md; scripts stand on them. */
export const exitCodes = {
  failure: 1,
  usage: 2,
  notSignedIn: 3,
  forbidden: 4,
  notFound: 5,
  unreachable: 6,
  interrupted: 130,
} as const;

/** Ends the command with a code, and with words on stderr that say what to do. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly exitCode: number;
  /** What to do next; a line of its own. */
  readonly hint: string | null;
  /** For --json. */
  readonly code: string;

  constructor(kind: keyof typeof exitCodes, message: string, hint: string | null = null) {
    super(message);
    this.exitCode = exitCodes[kind];
    this.hint = hint;
    this.code = kind;
  }
}
