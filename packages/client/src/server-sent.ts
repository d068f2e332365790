/** One block of a text/event-stream. */
export interface ServerSent {
  readonly id: string | undefined;
  readonly event: string | undefined;
  /** Empty for a block that only moves the id on. */
  readonly data: string;
}

/**
 * Blocks of a text/event-stream. Other than the parsers of npm it tells of an id that comes without data, by which the
 * controller says where a stream begins.
 */
export async function* serverSent(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSent, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  let block: { id?: string; event?: string; data: string[] } = { data: [] };
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    // A CR at the end may be the first half of a line's end.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() as string;
    for (const line of lines) {
      if (line === "") {
        if (block.data.length > 0 || block.id !== undefined || block.event !== undefined)
          yield { id: block.id, event: block.event, data: block.data.join("\n") };
        block = { data: [] };
        continue;
      }
      const [, name = "", value = ""] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
      if (name === "data") block.data.push(value);
      else if (name === "id" && !value.includes("\0")) block.id = value;
      else if (name === "event") block.event = value;
    }
  }
}
