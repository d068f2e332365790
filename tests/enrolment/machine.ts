import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A Debian to install on: its own files, users and processes, this host's network. */
export interface Machine {
  /** Folder of its root file system. */
  readonly root: string;
  /** Runs a shell script as root in it. */
  run(script: string, env?: Record<string, string>): Promise<{ code: number; output: string }>;
  close(): Promise<void>;
}

/** Built once, outside the repository: a minute by debootstrap. */
const base = "/var/tmp/devflow-test-machine";
const packages = "ca-certificates,curl,procps,systemd,systemd-sysv,dbus";
const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const has = (tool: string): boolean => ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].some((folder) => existsSync(join(folder, tool)));

/** Why no machine can be made here; null when one can. */
export function cannotMake(kind: "bare" | "systemd"): string | null {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "needs Linux and root";
  if (!existsSync(join(base, ".complete")) && !has("debootstrap")) return "needs debootstrap";
  if (kind === "systemd" && !has("systemd-nspawn")) return "needs systemd-nspawn (Debian: systemd-container)";
  try {
    execFileSync("unshare", ["--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], { stdio: "ignore" });
  } catch {
    return "needs the right to mount (not given in this container)";
  }
  return null;
}

function buildBase(): void {
  if (existsSync(join(base, ".complete"))) return;
  rmSync(base, { recursive: true, force: true });
  const targets = execFileSync("apt-get", ["indextargets", "--format", "$(REPO_URI)", "Codename: bookworm"], { encoding: "utf8" });
  const mirror = targets.split("\n")[0]?.trim();
  execFileSync("debootstrap", ["--variant=minbase", `--include=${packages}`, "bookworm", base, ...(mirror ? [mirror] : [])], {
    stdio: "ignore",
  });
  writeFileSync(join(base, ".complete"), "");
}

/** A throw-away layer over the base, in a mount namespace that `holder` keeps. */
async function layer(): Promise<{ root: string; holder: ChildProcess; clean: () => Promise<void> }> {
  buildBase();
  const folder = mkdtempSync(join("/var/tmp", "devflow-machine-"));
  for (const name of ["upper", "work", "root"]) mkdirSync(join(folder, name));
  const root = join(folder, "root");
  const script = `set -e
    mount --make-rprivate /
    mount -t overlay overlay -o "lowerdir=${base},upperdir=${folder}/upper,workdir=${folder}/work" ${root}
    mount -t proc proc ${root}/proc; mount -t tmpfs tmpfs ${root}/tmp; mount -t tmpfs tmpfs ${root}/run
    mount --rbind /dev ${root}/dev
    echo ready; exec sleep infinity`;
  const holder = spawn("unshare", ["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise<void>((resolve, reject) => {
    holder.stdout?.once("data", () => resolve());
    holder.once("exit", () => reject(new Error("the machine's layer could not be mounted")));
  });
  return {
    root,
    holder,
    clean: async () => {
      const gone = new Promise((resolve) => holder.once("exit", resolve));
      holder.kill("SIGKILL");
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
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
  const { root, holder, clean } = await layer();
  const inside = childOf(holder.pid as number);
  return {
    root,
    run: (script, env = {}) => runIn("nsenter", ["-t", String(inside), "-m", "-p", "chroot", root], script, env),
    close: clean,
  };
}

/** Booted by systemd as process 1. */
export async function systemdMachine(): Promise<Machine> {
  const folder = mkdtempSync(join("/var/tmp", "devflow-machine-"));
  buildBase();
  for (const name of ["upper", "work", "root"]) mkdirSync(join(folder, name));
  const root = join(folder, "root");
  const script = `set -e
    mount --make-rprivate /
    mount -t overlay overlay -o "lowerdir=${base},upperdir=${folder}/upper,workdir=${folder}/work" ${root}
    exec systemd-nspawn -q -D ${root} --boot --register=no --keep-unit --machine=devflow-test-${process.pid} --link-journal=no --resolv-conf=copy-host`;
  const nspawn = spawn("unshare", ["--mount", "sh", "-c", script], { stdio: "ignore" });
  const ended = new Promise((resolve) => nspawn.once("exit", resolve));
  let leader = 0;
  for (let attempt = 0; ; attempt++) {
    if (attempt === 120) throw new Error("systemd did not come up within 60 s");
    if (nspawn.exitCode !== null) throw new Error(`systemd-nspawn ended with ${nspawn.exitCode}`);
    await sleep(500);
    leader = childOf(nspawn.pid as number);
    if (!leader) continue;
    const state = await runIn("nsenter", ["-t", String(leader), "-a"], "systemctl is-system-running", {});
    if (/running|degraded/.test(state.output)) break;
  }
  return {
    root: `/proc/${leader}/root`,
    run: (text, env = {}) => runIn("nsenter", ["-t", String(leader), "-a"], text, env),
    async close() {
      await runIn("nsenter", ["-t", String(leader), "-a"], "systemctl poweroff --force --force", {});
      nspawn.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
