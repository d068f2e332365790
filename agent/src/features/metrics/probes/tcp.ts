import { ChunkedFile } from "../../../host/chunked-file.ts";
import { monotonicMs } from "../../../host/clock.ts";
import { TextFile } from "../../../host/text-file.ts";
import { growth } from "../counters.ts";
import type { Probe, Sample, Tick } from "../probe.ts";
import { places } from "../table.ts";
import { WalkPace } from "./walk-pace.ts";

const HOST = places("host", ["tcp_established", "tcp_time_wait", "tcp_close_wait", "tcp_syn", "tcp_listen", "tcp_retransmits"]);

/** State numbers of include/net/tcp_states.h go up to 12. */
const STATES = 13;
const ESTABLISHED = 1;
const SYN_SENT = 2;
const SYN_RECV = 3;
const TIME_WAIT = 6;
const CLOSE_WAIT = 8;
const LISTEN = 10;
const NEW_SYN_RECV = 12;

/** A page holds 27 sockets; busy proxies have 100,000, so a walk is spread over the seconds. */
const PAGES_A_SECOND = 64;

/** A number for the text between two places: 32-bit FNV-1a. */
function hashOf(text: string, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/**
 * Adds the states of the sockets in a part of /proc/net/tcp or tcp6 to `states`. Whole lines only.
 * @returns the sum, modulo 2^32, of numbers for the addresses that are listened at: the same for the same set in any order
 */
export function countStates(text: string, states: Uint32Array): number {
  let listeners = 0;
  let at = 0;
  while (at < text.length) {
    const colon = text.indexOf(":", at);
    if (colon === -1) break;
    // "sl: ADDRESS:PORT ADDRESS:PORT ST": addresses have 8 digits, or 32 in tcp6.
    const place = text.charCodeAt(colon + 10) === 58 ? colon + 30 : colon + 78;
    const state = Number.parseInt(text.slice(place, place + 2), 16);
    if (state < STATES) states[state] = (states[state] as number) + 1;
    // The local address and port: half of what lies before the state.
    if (state === LISTEN) listeners = (listeners + hashOf(text, colon + 2, colon + 2 + (place - colon) / 2 - 2)) >>> 0;
    const end = text.indexOf("\n", place);
    if (end === -1) break;
    at = end + 1;
  }
  return listeners;
}

/** The kernel's own TCP counters by name, as /proc/net/snmp has them; null when missing. */
function tcpCounters(text: string): { names: string[]; values: string[] } | null {
  const head = text.indexOf("\nTcp: ");
  const body = head === -1 ? -1 : text.indexOf("\nTcp: ", head + 6);
  if (body === -1) return null;
  const end = text.indexOf("\n", body + 6);
  return { names: text.slice(head + 6, body).split(" "), values: text.slice(body + 6, end === -1 ? undefined : end).split(" ") };
}

/** CurrEstab (ESTABLISHED and CLOSE_WAIT, both IP versions) and RetransSegs of /proc/net/snmp; NaN when missing. */
export function parseSnmp(text: string): { current: number; retransmitted: number } {
  const tcp = tcpCounters(text);
  if (tcp === null) return { current: Number.NaN, retransmitted: Number.NaN };
  return {
    current: Number(tcp.values[tcp.names.indexOf("CurrEstab")] ?? Number.NaN),
    retransmitted: Number(tcp.values[tcp.names.indexOf("RetransSegs")] ?? Number.NaN),
  };
}

/**
 * What moves when a TCP socket is opened, connected or closed: the counters of connections made, failed, reset and
 * current of /proc/net/snmp, and the sockets in use of /proc/net/sockstat and sockstat6. Null when a file does not tell
 * (sockstat6 is not there without IPv6). Not seen: the other end of a current connection closing (CLOSE_WAIT), and one
 * listening socket in place of another.
 */
export function socketSigns(snmp: string, sockstat: string, sockstat6: string): string | null {
  const tcp = tcpCounters(snmp);
  const current = tcp?.names.indexOf("CurrEstab") ?? -1;
  const inUse = /^TCP: inuse \d+/m.exec(sockstat)?.[0];
  if (tcp === null || current === -1 || inUse === undefined) return null;
  const inUse6 = /^TCP6: inuse \d+/m.exec(sockstat6)?.[0] ?? "";
  return `${tcp.values.slice(0, current + 1).join(" ")} ${inUse} ${inUse6}`;
}

/** Connections in TIME_WAIT, of /proc/net/sockstat: "TCP: inuse 5 orphan 0 tw 3 alloc 7 mem 1". */
export function parseTimeWait(text: string): number {
  const line = text.indexOf("TCP: ");
  const at = line === -1 ? -1 : text.indexOf(" tw ", line);
  return at === -1 ? Number.NaN : Number.parseInt(text.slice(at + 4, at + 16), 10);
}

/** A walk over both tables that rests between pages. */
class Walk {
  readonly #files: readonly ChunkedFile[];
  #states = new Uint32Array(STATES);
  #counting = new Uint32Array(STATES);
  #file = -1;
  #header = false;
  #found = false;
  #hearing = 0;
  #costMs = 0;
  readonly #pace = new WalkPace();
  /** Sum over the listening addresses at the last whole walk (countStates). */
  listeners = Number.NaN;
  /** Whether a walk has ended that found a table. */
  done = false;

  constructor(root: string) {
    this.#files = [new ChunkedFile(`${root}/proc/net/tcp`), new ChunkedFile(`${root}/proc/net/tcp6`)];
  }

  /** Sockets in these states at the last whole walk. */
  count(...states: readonly number[]): number {
    return states.reduce((sum, state) => sum + (this.#states[state] as number), 0);
  }

  /** Goes on with a walk, or starts one when it is due; `signs` as WalkPace wants them. */
  step(second: number, signs: () => string | null): void {
    if (this.#file === -1 && !this.#pace.isDue(second, signs)) return;
    const start = monotonicMs();
    const ended = this.#go(PAGES_A_SECOND);
    this.#costMs += monotonicMs() - start;
    if (!ended) return;
    this.#pace.ended(second, this.#costMs);
    this.#costMs = 0;
  }

  close(): void {
    for (const file of this.#files) file.close();
  }

  #go(pages: number): boolean {
    if (this.#file === -1) this.#open(0);
    let left = pages;
    while (this.#file < this.#files.length) {
      if (left-- === 0) return false;
      const { text, last } = (this.#files[this.#file] as ChunkedFile).next();
      const from = this.#header ? text.indexOf("\n") + 1 : 0;
      this.#header = false;
      if (text !== "") this.#hearing = (this.#hearing + countStates(from === 0 ? text : text.slice(from), this.#counting)) >>> 0;
      if (last) this.#open(this.#file + 1);
    }
    this.done = this.#found;
    this.#file = -1;
    [this.#states, this.#counting] = [this.#counting, this.#states];
    this.#counting.fill(0);
    this.listeners = this.#hearing;
    this.#hearing = 0;
    return true;
  }

  /** Moves to the given file, or past those that are not there. */
  #open(file: number): void {
    let next = file;
    if (file === 0) this.#found = false;
    while (next < this.#files.length && !(this.#files[next] as ChunkedFile).rewind()) next++;
    this.#found ||= next < this.#files.length;
    this.#file = next;
    this.#header = true;
  }
}

/**
 * TCP. Established and TIME_WAIT come each second from the kernel's own counters; the other states from a walk over
 * the sockets every 10 to 60 s: the busier the sockets the sooner, the more there are the later.
 */
export class TcpProbe implements Probe {
  readonly #snmp: TextFile;
  readonly #sockstat: TextFile;
  readonly #sockstat6: TextFile;
  readonly #walk: Walk;
  #retransmitted = Number.NaN;

  constructor(root: string) {
    this.#snmp = new TextFile(`${root}/proc/net/snmp`);
    this.#sockstat = new TextFile(`${root}/proc/net/sockstat`);
    this.#sockstat6 = new TextFile(`${root}/proc/net/sockstat6`);
    this.#walk = new Walk(root);
  }

  read({ number, elapsedMs }: Tick, sample: Sample): void {
    const { host } = sample;
    const walk = this.#walk;
    const snmp = this.#snmp.read();
    const sockstat = this.#sockstat.read();
    walk.step(number, () => socketSigns(snmp ?? "", sockstat ?? "", this.#sockstat6.read() ?? ""));
    sample.listeners = walk.listeners;
    if (walk.done) {
      host.set(0, HOST.tcp_established, walk.count(ESTABLISHED));
      host.set(0, HOST.tcp_time_wait, walk.count(TIME_WAIT));
      host.set(0, HOST.tcp_close_wait, walk.count(CLOSE_WAIT));
      host.set(0, HOST.tcp_syn, walk.count(SYN_SENT, SYN_RECV, NEW_SYN_RECV));
      host.set(0, HOST.tcp_listen, walk.count(LISTEN));
    }
    if (snmp !== null) {
      const { current, retransmitted } = parseSnmp(snmp);
      host.set(0, HOST.tcp_established, Math.max(0, current - walk.count(CLOSE_WAIT)));
      host.set(0, HOST.tcp_retransmits, (growth(this.#retransmitted, retransmitted, 2 ** 20) * 1000) / elapsedMs);
      this.#retransmitted = retransmitted;
    }
    if (sockstat !== null) host.set(0, HOST.tcp_time_wait, parseTimeWait(sockstat));
  }

  close(): void {
    this.#snmp.close();
    this.#sockstat.close();
    this.#sockstat6.close();
    this.#walk.close();
  }
}
