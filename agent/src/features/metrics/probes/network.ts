import { TextFile } from "../../../host/text-file.ts";
import { Choice, Counters, growth } from "../counters.ts";
import type { Probe, Sample, Tick } from "../probe.ts";
import { places } from "../table.ts";

const NETWORK = places("network", [
  "receive",
  "receive_packets",
  "receive_errors",
  "receive_drops",
  "transmit",
  "transmit_packets",
  "transmit_errors",
  "transmit_drops",
]);

/** Columns of /proc/net/dev in the order of the counters: received, then sent. */
const COLUMNS = [0, 1, 2, 3, 8, 9, 10, 11] as const;
const MEASURES = [
  NETWORK.receive,
  NETWORK.receive_packets,
  NETWORK.receive_errors,
  NETWORK.receive_drops,
  NETWORK.transmit,
  NETWORK.transmit_packets,
  NETWORK.transmit_errors,
  NETWORK.transmit_drops,
] as const;
/** Some drivers count in 32 bits. Falls that would be more than this in a second are resets. */
const WRAPS = [2 ** 28, 2 ** 22, 2 ** 16, 2 ** 20, 2 ** 28, 2 ** 22, 2 ** 16, 2 ** 20] as const;

/** Loopback, and the host's ends of containers' cables: their traffic shows on the bridge and inside. */
const NOISE = /^(?:lo$|veth|cali[0-9a-f]|lxc[0-9a-f]{8}|ifb\d|dummy\d)/;

/** Picks the interfaces worth a row; where the rule leaves none (a server that is a container), all but loopback. */
export function wantedInterfaces(names: readonly string[]): Set<string> {
  const wanted = names.filter((name) => !NOISE.test(name));
  return new Set(wanted.length > 0 ? wanted : names.filter((name) => name !== "lo"));
}

/** Parses /proc/net/dev. Interfaces that never carried a packet are left out, until they do. */
export function parseNetDev(text: string, into: Counters, wanted: Choice): void {
  into.clear();
  const names: string[] = [];
  const rows: string[][] = [];
  for (const line of text.split("\n")) {
    // Old kernels glue the first number to the colon; an alias has a colon inside ("eth0:1").
    const colon = line.lastIndexOf(":");
    if (colon === -1) continue;
    const parts = line
      .slice(colon + 1)
      .trim()
      .split(/ +/);
    if (parts.length < 12 || (parts[1] === "0" && parts[9] === "0")) continue;
    names.push(line.slice(0, colon).trim());
    rows.push(parts);
  }
  const chosen = wanted.of(names);
  for (let r = 0; r < names.length; r++) {
    const name = names[r] as string;
    if (!chosen.has(name)) continue;
    const parts = rows[r] as string[];
    const at = into.add(name);
    for (let i = 0; i < COLUMNS.length; i++) into.values[at + i] = Number(parts[COLUMNS[i] as number]);
  }
}

/** Network interfaces, from /proc/net/dev. */
export class NetworkProbe implements Probe {
  readonly #file: TextFile;
  #now = new Counters(COLUMNS.length);
  #before = new Counters(COLUMNS.length);
  readonly #wanted = new Choice(wantedInterfaces);

  constructor(root: string) {
    this.#file = new TextFile(`${root}/proc/net/dev`);
  }

  read({ elapsedMs }: Tick, { network }: Sample): void {
    const text = this.#file.read();
    const before = this.#now;
    const now = this.#before;
    this.#before = before;
    this.#now = now;
    if (text === null) return now.clear();
    parseNetDev(text, now, this.#wanted);
    for (let row = 0; row < now.names.length; row++) {
      const name = now.names[row] as string;
      const at = network.add(name);
      if (at === -1) break;
      const b = before.find(name, row);
      if (b === -1) continue;
      for (let i = 0; i < COLUMNS.length; i++) {
        const grown = growth(before.values[b + i] as number, now.values[row * COLUMNS.length + i] as number, WRAPS[i]);
        network.set(at, MEASURES[i] as number, (grown * 1000) / elapsedMs);
      }
    }
  }

  close(): void {
    this.#file.close();
  }
}
