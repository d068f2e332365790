import { expect, it } from "vitest";
import { type ServerSent, serverSent } from "./server-sent.ts";

/** Read in pieces of so many bytes. */
async function read(text: string, size: number): Promise<ServerSent[]> {
  const bytes = new TextEncoder().encode(text);
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const found: ServerSent[] = [];
  for await (const one of serverSent(pieces())) found.push(one);
  return found;
}

const nothing = { id: undefined, event: undefined };

it("reads blocks whatever pieces they come in, by any line's end", async () => {
  const blocks = [
    { id: "7", event: undefined, data: "größe: 数\nsecond" },
    { id: undefined, event: "missed", data: "{}" },
    { ...nothing, data: "last" },
  ];
  for (const end of ["\n", "\r\n", "\r"]) {
    const lines = [
      ": ok",
      "",
      "id: 7",
      "data: größe: 数",
      "data:second",
      "",
      "event: missed",
      "data: {}",
      "",
      "data: last",
      "",
      ": alive",
      "",
    ];
    for (const size of [1, 2, 3, 1_000]) expect([end, size, await read(`${lines.join(end)}${end}x`, size)]).toEqual([end, size, blocks]);
  }
});

it("tells of an id without data, and of nothing that was cut off", async () => {
  expect(await read("retry: 2000\n\nid: 5\n\nid: 6\ndata: half", 4)).toEqual([{ id: "5", event: undefined, data: "" }]);
});
