// Fails when a file imports what it may not (.dependency-cruiser.mjs), or when files went unseen.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { cruise, type ICruiseResult } from "dependency-cruiser";
import extractTSConfig from "dependency-cruiser/config-utl/extract-ts-config";
import rules from "../.dependency-cruiser.mjs";
import { root } from "./build-state.mjs";

const places = ["agent", "controller", "packages", "proto/gen", "web/src", "scripts", "bench", "e2e", "tests"];
const skipped = /(^|\/)(node_modules|dist|build|\.svelte-kit|testdata)(\/|$)/;

process.chdir(root);
const files = places.flatMap((place) => {
  try {
    return readdirSync(place, { recursive: true, encoding: "utf8" }).map((name) => join(place, name));
  } catch {
    return []; // a place that nobody has written yet
  }
});
const sources = files.filter((name) => /\.(ts|mjs|svelte)$/.test(name) && !skipped.test(name));

const { options, forbidden } = rules;
const { output } = await cruise(sources, { ...options, validate: true, ruleSet: { forbidden } }, options.enhancedResolveOptions, {
  tsConfig: extractTSConfig("tsconfig.json"),
});
const { modules, summary } = output as ICruiseResult;

for (const { from, to, rule, cycle } of summary.violations) {
  console.error(`${rule.name}: ${from} → ${cycle ? cycle.map((step) => step.name).join(" → ") : to}`);
}
// With a TypeScript that the cruiser cannot load it reads nothing and finds nothing wrong.
const seen = new Set(
  modules.filter((module) => module.dependencies.length > 0 || sources.includes(module.source)).map((module) => module.source),
);
const unseen = sources.filter((name) => !seen.has(name));
const edges = modules.reduce((sum, module) => sum + module.dependencies.length, 0);
if (unseen.length > 0) console.error(`${unseen.length} files were not looked at, for example ${unseen[0]}`);
if (edges < sources.length) console.error(`Only ${edges} imports found in ${sources.length} files: the cruiser cannot read them`);
console.log(`${sources.length} files, ${edges} imports, ${summary.error} errors`);
process.exit(summary.error > 0 || unseen.length > 0 || edges < sources.length ? 1 : 0);
