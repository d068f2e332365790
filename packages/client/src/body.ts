import { DevFlowError } from "./error.ts";

/**
 * A body's bytes as they come; leaving early ends the connection. Throws DevFlowError unreachable when it is cut, timeout
 * when nothing comes for so long.
 */
export async function* chunksOf(response: Response, silentMs: number): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = response.body!.getReader();
  try {
    for (;;) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const silence = new Promise<never>((_, reject) => {
        timer = setTimeout(
          () => reject(new DevFlowError("timeout", `Nothing came for ${silentMs / 1000} s in the middle of the answer`)),
          silentMs,
        );
      });
      try {
        const { done, value } = await Promise.race([reader.read(), silence]);
        if (done) return;
        yield value;
      } catch (cause) {
        if (cause instanceof DevFlowError) throw cause;
        throw new DevFlowError("unreachable", "The connection was cut in the middle of the answer", { status: response.status, cause });
      } finally {
        clearTimeout(timer);
      }
    }
  } finally {
    // Of a connection that is gone already there is nothing to end.
    await reader.cancel().catch(() => undefined);
  }
}
