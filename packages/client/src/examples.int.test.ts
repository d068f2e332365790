import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testWeb, type TestWeb } from "../../../controller/src/testing/web.ts";
import * as client from "./index.ts";

const root = join(import.meta.dirname, "../../..");
const page = readFileSync(join(root, "docs/client.md"), "utf8");
const blocks = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, text]) => text as string);
const imports = /^import .*"@devflow\/client";\n/m;
const body = blocks
  .map((block) => `{\n${block.replace(imports, "").replace("const devflow = createClient({ url, token });\n", "")}}\n`)
  .join("");

describe("the examples of docs/client.md", () => {
  let web: TestWeb;
  beforeAll(async () => {
    web = await testWeb();
  });
  afterAll(() => web.close());

  it("have the types that they seem to have", () => {
    const file = join(import.meta.dirname, "examples.made.ts");
    const source = `import { createClient, DevFlowError } from "./index.ts";
export async function run(url: string, token: string, console: { log: (...words: unknown[]) => void }) {
const devflow = createClient({ url, token });
${body}}`;
    const { config } = ts.readConfigFile(join(root, "tsconfig.json"), (name) => ts.sys.readFile(name)) as { config: object };
    const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [file] }, ts.sys, root);
    const host = ts.createCompilerHost(options);
    host.fileExists = (name) => name === file || ts.sys.fileExists(name);
    host.readFile = (name) => (name === file ? source : ts.sys.readFile(name));
    const getSourceFile = host.getSourceFile.bind(host);
    host.getSourceFile = (name, language, ...rest) =>
      name === file ? ts.createSourceFile(name, source, language) : getSourceFile(name, language, ...rest);
    const program = ts.createProgram([file], options, host);
    const found = ts.getPreEmitDiagnostics(program, program.getSourceFile(file));
    expect(found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([]);
  });

  it("do what they say", async () => {
    await web.server({ name: "listed" });
    const said: unknown[][] = [];
    // oxlint-disable-next-line typescript/no-implied-eval -- the page's own text
    const run = new Function(
      "url",
      "token",
      "console",
      "createClient",
      "DevFlowError",
      `return (async () => { const devflow = createClient({ url, token });\n${stripTypeScriptTypes(body)} })()`,
    ) as (...given: unknown[]) => Promise<void>;
    await run(
      web.origin,
      await web.token("owner"),
      { log: (...words: unknown[]) => said.push(words) },
      client.createClient,
      client.DevFlowError,
    );
    expect(said).toEqual([
      [0],
      ["listed", "not measured"],
      ["invalid", 422, expect.stringMatching(/^[0-9a-f-]{36}$/)],
      ["name", expect.any(String)],
      [true],
      [true],
    ]);
  });
});
