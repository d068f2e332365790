import { expect, it } from "vitest";
import { Choice, Counters } from "../counters.ts";
import { parseNetDev, wantedInterfaces } from "./network.ts";

const parse = (text: string): Counters => {
  const into = new Counters(8);
  parseNetDev(text, into, new Choice(wantedInterfaces));
  return into;
};
const HEAD = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
`;

it("reads glued numbers and aliases, and leaves idle interfaces and noise out", () => {
  const read =
    parse(`${HEAD}    lo:    7357      82    0    0    0     0          0         0     7357      82    0    0    0     0       0          0
  ifb0:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
  eth0:686482273   19352    1    2    0     0          0         0  1216230   10855    3    4    0     0       0          0
eth0:1:     100       2    0    0    0     0          0         0        0       0    0    0    0     0       0          0
veth12ab: 10 10 0 0 0 0 0 0 10 10 0 0 0 0 0 0
docker0: 10 10 0 0 0 0 0 0 10 10 0 0 0 0 0 0
  wg0:       0       0    0    0    0     0          0         0     148       1    0    0    0     0       0          0
`);
  expect(read.names).toEqual(["eth0", "eth0:1", "docker0", "wg0"]);
  expect(Array.from(read.values.slice(0, 8))).toEqual([686482273, 19352, 1, 2, 1216230, 10855, 3, 4]);
});

it("keeps the only interface of a server that is a container", () => {
  const row = "10 10 0 0 0 0 0 0 10 10 0 0 0 0 0 0";
  expect(parse(`${HEAD}lo: ${row}\nveth0: ${row}\n`).names).toEqual(["veth0"]);
});
