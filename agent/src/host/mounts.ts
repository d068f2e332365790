/** A line of mountinfo that may be worth a row. */
export interface Mount {
  readonly mountPoint: string;
  readonly type: string;
  readonly source: string;
  /** major:minor of the file system. */
  readonly device: string;
}

/** Types with a size of their own on storage that answers at once. What is not listed is not asked: network and
 * user-space file systems can hang, the kernel's own have no size. */
const STORED = new Set([
  "ext2",
  "ext3",
  "ext4",
  "xfs",
  "btrfs",
  "zfs",
  "f2fs",
  "jfs",
  "reiserfs",
  "bcachefs",
  "nilfs2",
  "vfat",
  "exfat",
  "msdos",
  "ntfs",
  "ntfs3",
  "fuseblk",
  "hfsplus",
  "ufs",
  "minix",
  "ubifs",
  "jffs2",
  "apfs",
]);
/** Only where it is the machine's own: a container's root, and memory that programs fill. */
const SOMETIMES: Readonly<Record<string, ReadonlySet<string>>> = {
  overlay: new Set(["/"]),
  aufs: new Set(["/"]),
  rootfs: new Set([]),
  tmpfs: new Set(["/", "/tmp", "/var/tmp"]),
};
/** Files that container runtimes mount one by one. */
const SINGLE_FILES = new Set(["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"]);

/** Undoes the octal escapes of mountinfo: \040 blank, \011 tab, \012 newline, \134 backslash. */
export const unescapeMount = (text: string): string =>
  text.includes("\\") ? text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))) : text;

/**
 * Parses /proc/self/mountinfo (proc_pid_mountinfo(5)) into the file systems to report: one row a file system (of
 * several mounts of it, binds and subvolumes included, the root or the shortest path), the uppermost where mounts lie
 * over each other. Network, FUSE, kernel, image (squashfs, iso9660) and container layers are left out.
 */
export function parseMounts(text: string): Mount[] {
  const byPoint = new Map<string, Mount>();
  for (const line of text.split("\n")) {
    const dash = line.indexOf(" - ");
    if (dash === -1) continue;
    const front = line.slice(0, dash).split(" ");
    const [type = "", source = ""] = line.slice(dash + 3).split(" ");
    const mountPoint = unescapeMount(front[4] ?? "");
    byPoint.set(mountPoint, { mountPoint, type, source: unescapeMount(source), device: front[2] ?? "" });
  }
  const byDevice = new Map<string, Mount>();
  for (const mount of byPoint.values()) {
    const { type, mountPoint, device } = mount;
    if (!STORED.has(type) && !SOMETIMES[type]?.has(mountPoint)) continue;
    if (SINGLE_FILES.has(mountPoint)) continue;
    const other = byDevice.get(device);
    if (!other || mountPoint.length < other.mountPoint.length) byDevice.set(device, mount);
  }
  return [...byDevice.values()].sort((a, b) => (a.mountPoint < b.mountPoint ? -1 : 1));
}
