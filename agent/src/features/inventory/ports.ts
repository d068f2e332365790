import { ChunkedFile } from "../../host/chunked-file.ts";
import { linkTarget, listFolder, readText } from "../../host/files.ts";

/** A socket that waits for others. */
export interface Listener {
  readonly protocol: "tcp" | "udp";
  readonly address: string;
  readonly port: number;
  /** Inode of the socket: what /proc/PID/fd links to. */
  readonly inode: string;
}

const MAX_PORTS = 512;
const MAX_PROCESSES = 4096;
/** The kernel's default of ip_local_port_range (ip-sysctl.rst). */
const CLIENT_PORTS = [32_768, 60_999] as const;
/** 27 sockets each. */
const MAX_PAGES = 2048;
const LISTEN = "0A";
const UNCONNECTED = "07";

/** "0100007F" → "127.0.0.1", and the 32 digits of tcp6 as RFC 5952 text: words of the kernel's byte order (little). */
export function parseAddress(hex: string): string {
  const bytes: number[] = [];
  for (let word = 0; word < hex.length; word += 8) {
    for (let i = 6; i >= 0; i -= 2) bytes.push(Number.parseInt(hex.slice(word + i, word + i + 2), 16));
  }
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] as number) * 256 + (bytes[2 * i + 1] as number)).toString(16));
  // The longest run of zeros, of at least two, becomes "::".
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (groups[at + length] === "0") length++;
    if (length > best.length) best = { at, length };
  }
  if (best.at === -1) return groups.join(":");
  return `${groups.slice(0, best.at).join(":")}::${groups.slice(best.at + best.length).join(":")}`;
}

/**
 * Listening sockets of a table of /proc/net. UDP has no such state: unconnected sockets outside the range that the
 * kernel gives to clients count (`clientPorts`, first and last).
 */
export function parseListeners(text: string, protocol: "tcp" | "udp", clientPorts: readonly [number, number]): Listener[] {
  const found: Listener[] = [];
  for (const line of text.split("\n")) {
    const parts = line.trim().split(/\s+/);
    if (parts[3] !== (protocol === "tcp" ? LISTEN : UNCONNECTED)) continue;
    const [address = "", portHex = ""] = (parts[1] ?? "").split(":");
    const port = Number.parseInt(portHex, 16);
    if (!(port > 0) || (protocol === "udp" && port >= clientPorts[0] && port <= clientPorts[1])) continue;
    found.push({ protocol, address: parseAddress(address), port, inode: parts[9] ?? "" });
  }
  return found;
}

/** Listening sockets of one table, read a page at a time: busy proxies have 100,000 others in it. */
function listenersInTable(path: string, protocol: "tcp" | "udp", clientPorts: readonly [number, number]): Listener[] {
  const file = new ChunkedFile(path);
  const found: Listener[] = [];
  try {
    if (!file.rewind()) return found;
    for (let page = 0; page < MAX_PAGES && found.length < 4 * MAX_PORTS; page++) {
      const { text, last } = file.next();
      const here = parseListeners(text, protocol, clientPorts);
      found.push(...here);
      // The kernel shows listening TCP sockets before all others (tcp_seq_next in net/ipv4/tcp_ipv4.c).
      if (last || (protocol === "tcp" && here.length === 0)) break;
    }
  } catch {
    // Forbidden after all: what was read so far is what is known.
  } finally {
    file.close();
  }
  return found;
}

/** Listening sockets of the given tables. */
function listenersIn(root: string, tables: readonly ("tcp" | "tcp6" | "udp" | "udp6")[]): Listener[] {
  const range = /^(\d+)\s+(\d+)$/.exec(readText(`${root}/proc/sys/net/ipv4/ip_local_port_range`));
  const [first, last] = range ? [Number(range[1]), Number(range[2])] : CLIENT_PORTS;
  const all = tables.flatMap((table) =>
    listenersInTable(`${root}/proc/net/${table}`, table.startsWith("tcp") ? "tcp" : "udp", [first, last]),
  );
  // Workers that share a port (SO_REUSEPORT) are one listener.
  const byKey = new Map(all.map((l) => [`${l.protocol} ${String(l.port).padStart(5, "0")} ${l.address}`, l]));
  return [...byKey.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, listener]) => listener)
    .slice(0, MAX_PORTS);
}

/** All listening sockets, ordered and each once. */
export const listenersOf = (root: string): Listener[] => listenersIn(root, ["tcp", "tcp6", "udp", "udp6"]);

/** Addresses and ports of the UDP sockets among them, as a text to compare. */
export const udpListenersOf = (root: string): string =>
  listenersIn(root, ["udp", "udp6"])
    .map(({ address, port }) => `${address} ${port}`)
    .join("\n");

/** Names of the processes that hold the sockets, by inode; only those whose descriptors this user may see. */
export function holdersOf(root: string, inodes: ReadonlySet<string>): Map<string, string> {
  const names = new Map<string, string>();
  const processes = listFolder(`${root}/proc`)
    .filter((name) => /^\d+$/.test(name))
    .slice(0, MAX_PROCESSES);
  for (const pid of processes) {
    for (const fd of listFolder(`${root}/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(linkTarget(`${root}/proc/${pid}/fd/${fd}`))?.[1];
      if (inode && inodes.has(inode) && !names.has(inode)) names.set(inode, readText(`${root}/proc/${pid}/comm`));
    }
    if (names.size === inodes.size) break;
  }
  return names;
}
