import { createInterface } from "node:readline/promises";
import { clean, createStyle, type Style } from "./output/style.ts";
import { Failure } from "./failure.ts";

/** What a command may use of the process it runs in. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  readonly style: Style;
  /** Whether a person reads the output. */
  readonly isTty: boolean;
  /** Whether a person can be asked. */
  readonly canAsk: boolean;
  readonly columns: number;
  readonly rows: number;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  ask(question: string): Promise<string>;
  /** A secret: typed without echo, or the first line of a pipe. */
  askSecret(question: string): Promise<string>;
}

interface Streams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** @param color undefined: by NO_COLOR, FORCE_COLOR and whether a person reads */
export function createTerminal(streams: Streams, env: Terminal["env"], color?: boolean): Terminal {
  const { stdin, stdout, stderr } = streams;
  const isTty = stdout.isTTY === true;
  const forced = env["FORCE_COLOR"] !== undefined && env["FORCE_COLOR"] !== "0" && env["FORCE_COLOR"] !== "";
  const colored = color ?? (env["NO_COLOR"] ? false : forced || (isTty && env["TERM"] !== "dumb"));
  return {
    env,
    input: stdin,
    output: stdout,
    style: createStyle(colored),
    isTty,
    canAsk: stdin.isTTY === true && stderr.isTTY === true,
    get columns() {
      return stdout.columns ?? 100;
    },
    get rows() {
      return stdout.rows ?? 40;
    },
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    async ask(question) {
      const lines = createInterface({ input: stdin, output: stderr });
      try {
        return (await lines.question(question)).trim();
      } finally {
        lines.close();
      }
    },
    askSecret: (question) => (stdin.isTTY === true ? typedSecret(stdin, stderr, question) : pipedLine(stdin)),
  };
}

async function pipedLine(input: NodeJS.ReadStream): Promise<string> {
  let text = "";
  for await (const chunk of input) {
    text += String(chunk);
    if (text.includes("\n") || text.length > 10_000) break;
  }
  return (text.split("\n", 1)[0] ?? "").trim();
}

function typedSecret(input: NodeJS.ReadStream, output: NodeJS.WriteStream, question: string): Promise<string> {
  output.write(question);
  input.setRawMode(true);
  input.setEncoding("utf8").resume();
  return new Promise((resolve, reject) => {
    let typed = "";
    const end = (done: () => void) => {
      input.off("data", onData).setRawMode(false).pause();
      output.write("\n");
      done();
    };
    const onData = (chunk: string) => {
      for (const key of chunk) {
        if (key === "\r" || key === "\n") return end(() => resolve(typed.trim()));
        if (key === "\u0003" || key === "\u0004") return end(() => reject(new Failure("interrupted", "Nothing was changed")));
        if (key === "\u007f" || key === "\b") typed = typed.slice(0, -1);
        else if (key >= " ") typed += key;
      }
    };
    input.on("data", onData);
  });
}

/**
 * Asks before something that cannot be undone: a person types the name of what it is about. Throws Failure when nobody
 * can be asked and --yes was not given, and for any other answer.
 */
export async function confirm(terminal: Terminal, yes: boolean | undefined, question: string, name: string): Promise<void> {
  if (yes === true) return;
  const shown = clean(name);
  if (!terminal.canAsk) throw new Failure("usage", `${question} Nobody can be asked here`, "Add --yes if you are sure");
  const typed = await terminal.ask(`${question}\nType ${terminal.style.bold(shown)} to go on: `);
  if (typed !== shown.trim())
    throw new Failure("failure", `Nothing was changed: expected ${shown}, got ${typed === "" ? "nothing" : clean(typed)}`);
}
