// Who may import whom (docs/architecture.md). Checked by scripts/check-imports.ts, which also asserts how many files were seen.
const tests = "\\.(test|testkit)\\.ts$|/testdata/|^controller/src/testing/|/test-[a-z-]+\\.ts$";
const forbidden = [
  {
    name: "no-cycle",
    comment: "Two modules that need each other, if only for a type, are one, or hide a third.",
    severity: "error",
    from: {},
    to: { circular: true },
  },
  {
    name: "resolvable",
    comment: "An import that cannot be resolved would slip through every other rule.",
    severity: "error",
    from: { pathNot: tests },
    to: { couldNotResolve: true, pathNot: ["^\\$app/", "^\\$env/", "^\\./\\$types"] },
  },
  {
    name: "gen-stands-alone",
    comment: "Generated messages import each other and their runtime only.",
    severity: "error",
    from: { path: "^proto/gen/" },
    to: { pathNot: ["^proto/gen/", "node_modules/@bufbuild/protobuf/"] },
  },
  {
    name: "packages-know-no-deployable",
    severity: "error",
    from: { path: "^packages/", pathNot: tests },
    to: { path: "^(agent|controller|web|scripts|bench|e2e)/" },
  },
  {
    name: "deployables-apart",
    comment: "agent, controller and web meet on the wire only.",
    severity: "error",
    from: { path: "^(agent|controller|web)/", pathNot: tests },
    to: { path: "^(agent|controller|web|scripts|bench|e2e)/", pathNot: "^$1/" },
  },
  {
    name: "web-speaks-http",
    comment: "The browser knows packages/api, not the agents' wire.",
    severity: "error",
    from: { path: "^web/" },
    to: { path: ["^proto/", "^packages/rpc/"] },
  },
  {
    name: "testkit-in-tests",
    severity: "error",
    from: { path: "^(agent|controller|web|packages)/", pathNot: [tests, "^packages/testkit/"] },
    to: { path: "^packages/testkit/" },
  },
  {
    name: "never-upward",
    comment: "main → features → platform | host | ui.",
    severity: "error",
    from: { path: "^(controller/src/platform|agent/src/host|web/src/ui|web/src/api)/", pathNot: tests },
    to: { path: "^(controller|agent|web)/src/(features/|routes/|session/|main\\.ts|features\\.ts)" },
  },
  {
    name: "features-are-not-main",
    severity: "error",
    from: { path: "^(controller|agent|web)/src/(features|session)/", pathNot: tests },
    to: { path: "^(controller|agent|web)/src/(routes/|main\\.ts|features\\.ts)" },
  },
  {
    name: "session-knows-no-feature",
    severity: "error",
    from: { path: "^agent/src/session/", pathNot: tests },
    to: { path: "^agent/src/features/" },
  },
  {
    name: "features-by-their-door",
    comment: "Another feature's index.ts is its public surface; its schema.ts may be used for foreign keys and joins.",
    severity: "error",
    from: { path: "^(controller|agent)/src/features/([^/]+)/", pathNot: tests },
    to: { path: "^$1/src/features/[^/]+/", pathNot: ["^$1/src/features/$2/", "^$1/src/features/[^/]+/(index|schema)\\.ts$"] },
  },
  {
    name: "schemas-by-schemas",
    severity: "error",
    from: { path: "^controller/src/features/([^/]+)/schema\\.ts$" },
    to: { path: "^controller/src/features/[^/]+/", pathNot: ["^controller/src/features/$1/", "/schema\\.ts$"] },
  },
  {
    name: "verbs-know-no-transport",
    comment: "Only adapters (index, routes, jobs, agent, files, listener, …-stream) touch hono, gRPC, WebSockets and pg-boss.",
    severity: "error",
    from: {
      path: "^controller/src/features/[^/]+/",
      pathNot: [tests, "[/-](index|routes|jobs|agent|files|listener|stream)\\.ts$"],
    },
    to: { path: "node_modules/(hono|@hono|@grpc|pg-boss|ws)/", dependencyTypesNot: ["type-only"] },
  },
];

export default /** @satisfies {import("dependency-cruiser").IConfiguration} */ ({
  forbidden: /** @type {import("dependency-cruiser").IForbiddenRuleType[]} */ (forbidden),
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(agent|controller|web|packages/[a-z]+)/(dist|build|\\.svelte-kit|coverage)/|^dist/" },
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "types", "svelte", "default"],
      extensions: [".ts", ".mjs", ".js", ".svelte", ".d.ts"],
    },
  },
});
