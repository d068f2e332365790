// npm test [-- vitest arguments]: every suite with real parts. The last line reads "N passed, N failed".
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { buildParts } from "./build.ts";
import { root, staleParts } from "./build-state.mjs";
import { bringNeeds } from "./test-needs.ts";
import { add, readReport, type Tally } from "./test-report.ts";

/** Projects that run together, one group after the other: browsers and databases under load make each other slow. */
const groups: readonly (readonly string[])[] = [["unit", "structure", "web"], ["int", "faults"], ["e2e"]];

/** A browser has the machine to itself; real parts mostly wait, for more files at once than there are processors. */
function workersOf(projects: readonly string[]): string[] {
  if (projects.includes("e2e")) return ["--no-file-parallelism"];
  return projects.includes("int") ? [`--maxWorkers=${availableParallelism() + 1}`] : [];
}

const scratch = mkdtempSync(join(tmpdir(), "devflow-test-"));
const missing = bringNeeds();
let tally: Tally = { passed: 0, failed: 0, skipped: 0 };

async function runGroup(projects: readonly string[], extra: readonly string[]): Promise<Tally> {
  const report = join(scratch, `${projects.join("-")}.json`);
  const args = [
    "run",
    ...projects.flatMap((name) => ["--project", name]),
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    "--passWithNoTests",
    ...workersOf(projects),
    // Other processes, the network stack and a browser take part: once more tells a hitch of the machine from a defect.
    ...(projects.includes("unit") ? [] : ["--retry=1", `--reporter=${join(root, "scripts/second-tries.ts")}`]),
    ...extra,
  ];
  const code = await new Promise<number>((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, "node_modules/vitest/vitest.mjs"), ...args], {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
    });
    child.on("error", reject);
    child.on("exit", (status) => resolve(status ?? 1));
  });
  return readReport(report, code);
}

let buildFailed = false;
try {
  await buildParts(staleParts());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  buildFailed = true;
}
for (const projects of groups) {
  console.log(`\n— ${projects.join(", ")}`);
  tally = add(tally, await runGroup(projects, process.argv.slice(2)));
}
rmSync(scratch, { recursive: true, force: true });

if (buildFailed) tally = add(tally, { passed: 0, failed: 1, skipped: 0 });
if (tally.passed + tally.failed === 0) tally = add(tally, { passed: 0, failed: 1, skipped: 0 });
for (const need of missing) console.log(`Skipped: ${need.without} (install ${need.package})`);
if (tally.skipped > 0) console.log(`${tally.skipped} skipped`);
console.log(`${tally.passed} passed, ${tally.failed} failed`);
process.exitCode = tally.failed > 0 ? 1 : 0;
