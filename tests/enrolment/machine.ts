import { execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A Debian to install on: its own files, users and processes, this host's network. */
export interface Machine {
  /** Runs a shell script as root in it. */
  run(script: string, env?: Record<string, string>): Promise<{ code: number; output: string }>;
  close(): Promise<void>;
}

export type Kind = "bare" | "systemd" | "openrc";

interface Base {
  /** Built once, outside the repository: a minute by debootstrap. */
  readonly folder: string;
  readonly packages: string;
}
const withSystemd: Base = { folder: "/var/tmp/devflow-test-machine", packages: "ca-certificates,curl,procps,systemd,systemd-sysv,dbus" };
const withOpenrc: Base = { folder: "/var/tmp/devflow-test-machine-openrc", packages: "ca-certificates,curl,procps,openrc,logrotate" };
const bases: Record<Kind, Base> = { bare: withSystemd, systemd: withSystemd, openrc: withOpenrc };

interface Init {
  /** What systemd-nspawn starts as process 1. */
  readonly boot: readonly string[];
  /** Says what `up` expects once everything has been started. */
  readonly state: string;
  readonly up: RegExp;
}
const inits: Record<"systemd" | "openrc", Init> = {
  systemd: { boot: ["--boot"], state: "systemctl is-system-running", up: /running|degraded/ },
  openrc: { boot: ["/sbin/openrc-init"], state: "cat /run/openrc/softlevel; test ! -e /run/openrc/rc.starting", up: /^default/ },
};

const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const has = (tool: string): boolean => ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].some((folder) => existsSync(join(folder, tool)));

/** Why no machine can be made here; null when one can. */
export function cannotMake(kind: Kind): string | null {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "needs Linux and root";
  if (!isBuilt(bases[kind]) && !has("debootstrap")) return "needs debootstrap";
  if (kind !== "bare" && !has("systemd-nspawn")) return "needs systemd-nspawn (Debian: systemd-container)";
  try {
    execFileSync("unshare", ["--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], { stdio: "ignore" });
  } catch {
    return "needs the right to mount (not given in this container)";
  }
  return null;
}

const completeOf = ({ folder }: Base): string => join(folder, ".complete");
const isBuilt = (base: Base): boolean => existsSync(completeOf(base)) && readFileSync(completeOf(base), "utf8") === base.packages;

/** Returns the folder of the kind's root file system, made when it is not there or holds other packages. */
function builtBase(kind: Kind): string {
  const base = bases[kind];
  const { folder, packages } = base;
  if (isBuilt(base)) return folder;
  rmSync(folder, { recursive: true, force: true });
  const targets = execFileSync("apt-get", ["indextargets", "--format", "$(REPO_URI)", "Codename: bookworm"], { encoding: "utf8" });
  const mirror = targets.split("\n")[0]?.trim();
  execFileSync("debootstrap", ["--variant=minbase", `--include=${packages}`, "bookworm", folder, ...(mirror ? [mirror] : [])], {
    stdio: "ignore",
  });
  writeFileSync(completeOf(base), packages);
  return folder;
}

/**
 * A throw-away layer over a base; `mount` is the shell that lays it over `root`, in a mount namespace of its own. It is
 * kept in memory: a layer cannot be kept on an overlay, which is what containers have for a disk.
 */
function newLayer(base: string): { root: string; mount: string; remove: () => void } {
  const folder = mkdtempSync(join("/var/tmp", "devflow-machine-"));
  const root = join(folder, "root");
  const mount = `set -e
    mount --make-rprivate /
    mount -t tmpfs -o mode=755 tmpfs ${folder}
    mkdir ${folder}/upper ${folder}/work ${root}
    mount -t overlay overlay -o "lowerdir=${base},upperdir=${folder}/upper,workdir=${folder}/work" ${root}`;
  return { root, mount, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

const childOf = (pid: number): number => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0]);

const runIn = (command: string, args: readonly string[], script: string, env: Record<string, string>) =>
  new Promise<{ code: number; output: string }>((resolve) => {
    const assignments = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    execFile(
      command,
      [...args, "/usr/bin/env", "-i", path, ...assignments, "/bin/sh", "-c", `{ ${script}\n} 2>&1`],
      { timeout: 120_000 },
      (error, output) => resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, output }),
    );
  });

/** No init system at all, as in a container. */
export async function bareMachine(): Promise<Machine> {
  const { root, mount, remove } = newLayer(builtBase("bare"));
  const script = `${mount}
    mount -t proc proc ${root}/proc; mount -t tmpfs tmpfs ${root}/tmp; mount -t tmpfs tmpfs ${root}/run
    mount --rbind /dev ${root}/dev
    echo ready; exec sleep infinity`;
  const holder = spawn("unshare", ["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const gone = new Promise((resolve) => holder.once("exit", resolve));
  await new Promise<void>((resolve, reject) => {
    holder.stdout?.once("data", () => resolve());
    holder.once("exit", () => reject(new Error("the machine's layer could not be mounted")));
  });
  const inside = childOf(holder.pid as number);
  return {
    run: (script, env = {}) => runIn("nsenter", ["-t", String(inside), "-m", "-p", "chroot", root], script, env),
    async close() {
      holder.kill("SIGKILL");
      await gone;
      remove();
    },
  };
}

/** Booted by a real init system as process 1. */
export async function bootedMachine(kind: "systemd" | "openrc"): Promise<Machine> {
  const { boot, state, up } = inits[kind];
  const { root, mount, remove } = newLayer(builtBase(kind));
  const script = `${mount}
    exec systemd-nspawn -q -D ${root} --register=no --keep-unit --machine=devflow-test-${process.pid} --link-journal=no --resolv-conf=copy-host ${boot.join(" ")}`;
  const nspawn = spawn("unshare", ["--mount", "sh", "-c", script], { stdio: "ignore" });
  const ended = new Promise((resolve) => nspawn.once("exit", resolve));
  let leader = 0;
  const run = (text: string, env: Record<string, string> = {}) => runIn("nsenter", ["-t", String(leader), "-a"], text, env);
  for (let attempt = 0; ; attempt++) {
    if (attempt === 120) throw new Error(`${kind} did not come up within 60 s`);
    if (nspawn.exitCode !== null) throw new Error(`systemd-nspawn ended with ${nspawn.exitCode}`);
    await sleep(500);
    leader = childOf(nspawn.pid as number);
    if (leader && up.test((await run(state)).output)) break;
  }
  return {
    run,
    async close() {
      // The end of process 1 ends all the others.
      process.kill(leader, "SIGKILL");
      await ended;
      remove();
    },
  };
}
