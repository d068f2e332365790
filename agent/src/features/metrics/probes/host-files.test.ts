import { expect, it } from "vitest";
import { parseLoadavg } from "./load.ts";
import { parseMeminfo, parseSwapping } from "./memory.ts";
import { parsePressure } from "./psi.ts";
import { countStates, parseSnmp, parseTimeWait, socketSigns } from "./tcp.ts";

it("reads memory as free does", () => {
  const text = `MemTotal:        1000 kB
MemFree:          300 kB
MemAvailable:     700 kB
Buffers:           10 kB
Cached:           200 kB
SwapCached:       999 kB
SwapTotal:        512 kB
SwapFree:         500 kB
Dirty:              5 kB
Writeback:          1 kB
WritebackTmp:      77 kB
Shmem:             50 kB
SReclaimable:      30 kB
`;
  expect(parseMeminfo(text)).toEqual({
    total: 1000 * 1024,
    available: 700 * 1024,
    buffers: 10 * 1024,
    cached: 180 * 1024,
    dirty: 6 * 1024,
    swapTotal: 512 * 1024,
    swapFree: 500 * 1024,
  });
});

it("estimates available memory where the kernel does not tell it", () => {
  const memory = parseMeminfo("MemTotal: 1000 kB\nMemFree: 300 kB\nBuffers: 10 kB\nCached: 200 kB\n");
  expect(memory.available).toBe(510 * 1024);
  expect(memory.swapTotal).toBeNaN();
});

it("reads swapping, and nothing where there is none", () => {
  expect(parseSwapping("nr_free_pages 5\npswpin 12\npswpout 34\n")).toEqual({ pagesIn: 12, pagesOut: 34 });
  expect(parseSwapping("nr_free_pages 5\n").pagesIn).toBeNaN();
});

it("reads pressure with and without a full line", () => {
  expect(parsePressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=123\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=45\n")).toEqual({
    some: 123,
    full: 45,
  });
  expect(parsePressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=123\n")).toEqual({ some: 123, full: NaN });
  expect(parsePressure("")).toEqual({ some: NaN, full: NaN });
});

it("reads load and threads", () => {
  expect(parseLoadavg("0.07 1.04 20.05 1/215 8202\n")).toEqual({ loads: [0.07, 1.04, 20.05], threads: 215 });
  expect(parseLoadavg("").threads).toBeNaN();
});

const pad = (line: string): string => `${line.padEnd(149)}\n`;

it("counts states in both address widths and past 9,999 lines", () => {
  const states = new Uint32Array(13);
  countStates(
    pad("   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1") +
      pad("12345: 0100007F:0016 0100007F:C001 01 00000000:00000000 00:00000000 00000000     0        0 1 1") +
      pad("   2: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00") +
      pad("   3: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000100007F:0001 08 00000000:00000000 00"),
    states,
  );
  expect([states[1], states[8], states[10]]).toEqual([1, 1, 2]);
});

it("tells sets of listening addresses apart, in any order and beside any connections", () => {
  const row = (local: string, state: string): string =>
    pad(`   0: ${local} ${"0".repeat(local.length - 5)}:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 1 1`);
  const told = (...rows: string[]): number => countStates(rows.join(""), new Uint32Array(13));
  const [ssh, web, web6] = [row("0100007F:0016", "0A"), row("00000000:01BB", "0A"), row(`${"0".repeat(32)}:01BB`, "0A")] as const;
  expect(told(ssh, web)).toBe(told(web, row("0100007F:C001", "01"), ssh));
  expect(new Set([told(), told(ssh), told(web), told(web6), told(ssh, web), told(row("0100007F:0017", "0A"))]).size).toBe(6);
  expect(told(row("0100007F:0016", "01"))).toBe(told());
});

it("reads the kernel's own TCP counters by name", () => {
  const text = `Ip: Forwarding DefaultTTL
Ip: 1 64
Tcp: RtoAlgorithm RtoMin MaxConn CurrEstab InSegs RetransSegs
Tcp: 1 200 -1 7 100 13
Udp: InDatagrams
Udp: 5
`;
  expect(parseSnmp(text)).toEqual({ current: 7, retransmitted: 13 });
  expect(parseSnmp("Ip: Forwarding\nIp: 1\n").current).toBeNaN();
  expect(parseTimeWait("sockets: used 44\nTCP: inuse 5 orphan 0 tw 3 alloc 7 mem 1\nUDP: inuse 0 mem 0\n")).toBe(3);
  expect(parseTimeWait("sockets: used 44\n")).toBeNaN();
});

it("sees by cheap signs that sockets came or went", () => {
  const snmp = (opened: number, current: number, segments = 100): string =>
    `Ip: A\nIp: 1\nTcp: MaxConn ActiveOpens PassiveOpens CurrEstab InSegs\nTcp: -1 ${opened} 9 ${current} ${segments}\nUdp: X\nUdp: 1\n`;
  const sockstat = (inUse: number, waiting = 0): string => `sockets: used 44\nTCP: inuse ${inUse} orphan 0 tw ${waiting} alloc 7 mem 1\n`;
  const sockstat6 = (inUse: number): string => `TCP6: inuse ${inUse}\nUDP6: inuse 0\n`;
  const quiet = socketSigns(snmp(5, 3), sockstat(4), sockstat6(2));
  expect(quiet).not.toBeNull();
  expect(socketSigns(snmp(5, 3, 999), sockstat(4, 8), sockstat6(2))).toBe(quiet);
  const moved = [
    socketSigns(snmp(6, 3), sockstat(4), sockstat6(2)),
    socketSigns(snmp(5, 2), sockstat(4), sockstat6(2)),
    socketSigns(snmp(5, 3), sockstat(5), sockstat6(2)),
    socketSigns(snmp(5, 3), sockstat(4), sockstat6(3)),
    socketSigns(snmp(5, 3), sockstat(4), ""),
  ];
  expect(new Set([...moved, quiet]).size).toBe(6);
  expect([socketSigns("", sockstat(4), ""), socketSigns(snmp(5, 3), "", "")]).toEqual([null, null]);
});
