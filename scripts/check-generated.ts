// Fails when committed generated files are not what their sources give: proto/gen, controller/migrations, docs/openapi.json
// with the client's types, docs/permissions.md and the codes in docs/api.md.
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { root } from "./build-state.mjs";

const scratch = mkdtempSync(join(tmpdir(), "devflow-generated-"));
const problems: string[] = [];

/** Runs a tool of node_modules/.bin; stdin closed, so that a question is a failure and not a wait. */
function run(tool: string, args: readonly string[], cwd: string): { ok: boolean; output: string } {
  const done = spawnSync(join(root, "node_modules/.bin", tool), args, {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 120_000,
    // buf finds its plugin by name
    env: { ...process.env, PATH: `${join(root, "node_modules/.bin")}:${process.env.PATH}` },
  });
  return { ok: done.status === 0, output: `${done.error?.message ?? ""}${done.stdout}${done.stderr}`.trim() };
}

function git(...args: string[]): string {
  const done = spawnSync("git", args, { cwd: root, encoding: "utf8" });
  return done.status === 0 ? done.stdout.trim() : "";
}

function checkProto(): void {
  const proto = join(root, "proto");
  const lint = run("buf", ["lint"], proto);
  if (!lint.ok) problems.push(`buf lint:\n${lint.output}`);

  const generated = run("buf", ["generate", "-o", scratch], proto);
  if (!generated.ok) problems.push(`buf generate:\n${generated.output}`);
  const diff = spawnSync("diff", ["-r", join(proto, "gen"), join(scratch, "gen")], { encoding: "utf8" });
  if (diff.status !== 0) problems.push(`proto/gen differs from the .proto files: npm run proto:generate\n${diff.stdout}`);

  // From the first release on the whole wire stays readable; before it, only what an old agent needs to enrol again.
  const release = git("describe", "--tags", "--abbrev=0", "--match", "v*");
  const base = release || git("rev-parse", "--verify", "--quiet", "main") || git("rev-parse", "--verify", "--quiet", "origin/main");
  if (base === "") return;
  const frozen = release ? [] : ["--path", "devflow/enrolment"];
  const common = git("rev-parse", "--path-format=absolute", "--git-common-dir");
  const breaking = run("buf", ["breaking", ...frozen, "--against", `${common}#ref=${base},subdir=proto`], proto);
  if (!breaking.ok) problems.push(`buf breaking against ${release || "main"}:\n${breaking.output}`);
}

function checkMigrations(): void {
  const controller = join(root, "controller");
  const out = join(scratch, "migrations");
  cpSync(join(controller, "migrations"), out, { recursive: true });
  const before = readdirSync(out).length;
  const config = join(scratch, "drizzle.config.mjs");
  const source = join(controller, "drizzle.config.ts");
  writeFileSync(
    config,
    `import base from ${JSON.stringify(source)};\nexport default { ...base, out: ${JSON.stringify(relative(controller, out))} };\n`,
  );
  const generated = run("drizzle-kit", ["generate", "--config", config, "--name", "check"], controller);
  if (!generated.ok) problems.push(`drizzle-kit generate:\n${generated.output}`);
  else if (readdirSync(out).length !== before) {
    problems.push(`controller/migrations lack what schema.ts files say: npm run db:generate -- NAME\n${generated.output}`);
  }
}

function checkOpenApi(): void {
  const out = join(scratch, "openapi");
  const made = spawnSync(process.execPath, [join(root, "scripts/openapi-generate.ts"), out], { encoding: "utf8", timeout: 120_000 });
  if (made.status !== 0) {
    problems.push(`openapi-generate:\n${made.stderr}`);
    return;
  }
  for (const name of readdirSync(out, { recursive: true, encoding: "utf8" }).filter((file) => /\.\w+$/.test(file))) {
    const diff = spawnSync("diff", [join(root, name), join(out, name)], { encoding: "utf8" });
    if (diff.status !== 0) problems.push(`${name} is not what the routes say: npm run openapi:generate\n${diff.stdout.slice(0, 2_000)}`);
  }
}

checkProto();
checkMigrations();
checkOpenApi();
rmSync(scratch, { recursive: true, force: true });
for (const problem of problems) console.error(problem);
process.exit(problems.length > 0 ? 1 : 0);
