import { expect, it } from "vitest";
import { parseAddress, parseListeners } from "./ports.ts";

it.each([
  ["0100007F", "127.0.0.1"],
  ["00000000", "0.0.0.0"],
  ["00000000000000000000000000000000", "::"],
  ["00000000000000000000000001000000", "::1"],
  ["000080FE00000000FF00545002030405", "fe80::5054:ff:504:302"],
  ["B80D0120000000000000000001000000", "2001:db8::1"],
])("writes %s as %s", (hex, text) => expect(parseAddress(hex)).toBe(text));

const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const line = (local: string, state: string, inode: number) =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000000000000000 100 0 0 10 0\n`;

it("takes listening TCP sockets only", () => {
  const text = HEAD + line("0100007F:1F90", "0A", 77) + line("0100007F:C001", "01", 78);
  expect(parseListeners(text, "tcp", [32768, 60999])).toEqual([{ protocol: "tcp", address: "127.0.0.1", port: 8080, inode: "77" }]);
});

it("takes UDP services and leaves the sockets of clients out", () => {
  const text =
    HEAD +
    line("00000000:0035", "07", 5) +
    line("00000000:9C41", "07", 6) +
    line("00000000:0036", "01", 7) +
    line("00000000:0000", "07", 8);
  expect(parseListeners(text, "udp", [32768, 60999]).map((l) => l.port)).toEqual([53]);
});
