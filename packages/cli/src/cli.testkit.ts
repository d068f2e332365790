import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@devflow/testkit";
import { testWeb, type TestWeb } from "../../../controller/src/testing/web.ts";
import { buildCli } from "../../../scripts/build.ts";

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The bundle as a user runs it, in a home of its own, against a controller with everything real. */
export interface TestCli {
  readonly web: TestWeb;
  /** Of its user; also the folder in which commands run. */
  readonly home: string;
  readonly file: string;
  /** A token of the role owner. */
  readonly owner: string;
  /** With DEVFLOW_URL and DEVFLOW_TOKEN, unless env says another. */
  run(args: readonly string[], options?: { token?: string; env?: Record<string, string>; input?: string }): Promise<Ran>;
  /** Its --json; throws unless it ended with 0 and was silent on stderr. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  json(args: readonly string[], token?: string): Promise<any>;
  /** "4 Error: …": how it ended and the first line that it said. */
  refusal(args: readonly string[], token?: string): Promise<string>;
  /** Where no controller is. */
  readonly nowhere: string;
  close(): Promise<void>;
}

/** @param config as testWeb takes it */
export async function testCli(config: Parameters<typeof testWeb>[0] = {}): Promise<TestCli> {
  const home = mkdtempSync(join(tmpdir(), "devflow-cli-"));
  const file = join(home, "devflow.mjs");
  await buildCli(file);
  const web = await testWeb(config);
  const owner = await web.token("owner");
  const [port] = await freePorts(1);

  const run: TestCli["run"] = (args, { token = owner, env = {}, input = "" } = {}) =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, [file, ...args], {
        cwd: home,
        env: { HOME: home, DEVFLOW_URL: web.origin, DEVFLOW_TOKEN: token, ...env },
      });
      let [out, err] = ["", ""];
      child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
      child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
      child.on("close", (code) => resolve({ code, out, err }));
      child.stdin.end(input);
    });
  return {
    web,
    home,
    file,
    owner,
    run,
    nowhere: `http://127.0.0.1:${port}`,
    async json(args, token = owner) {
      const { code, out, err } = await run([...args, "--json"], { token });
      if (code !== 0 || err !== "") throw new Error(`devflow ${args.join(" ")} ended with ${code}: ${err}`);
      return JSON.parse(out) as unknown;
    },
    async refusal(args, token = owner) {
      const { code, out, err } = await run(args, { token });
      return `${code} ${out}${err.split("\n")[0]}`;
    },
    async close() {
      await web.close();
      rmSync(home, { recursive: true });
    },
  };
}
