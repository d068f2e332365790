/** What an outbox needs of a WebSocket. */
export interface Wire {
  readonly bufferedAmount: number;
  send(text: string, done: (error?: Error) => void): void;
}

export interface Outbox {
  readonly ready: boolean;
  /** @param slot while the reader is too slow, a later text takes the place of an earlier one of the same slot; null: always sent */
  send(slot: string | null, text: string): void;
  forget(slot: string): void;
  /** Milliseconds for which the reader has been too slow without a pause; 0: it keeps up. */
  stalledMs(): number;
}

/**
 * Order of messages with a bound on memory: beyond maxBufferedBytes on the wire, the newest text of each slot waits in
 * the order in which the slots began to wait, and what it replaces is lost.
 */
export function createOutbox(wire: Wire, now: () => number, maxBufferedBytes = 262_144): Outbox {
  const waiting = new Map<string, string>();
  let stalledSince: number | null = null;

  const flush = () => {
    while (waiting.size > 0 && wire.bufferedAmount < maxBufferedBytes) {
      const [slot, text] = waiting.entries().next().value!;
      waiting.delete(slot);
      wire.send(text, flush);
    }
    if (wire.bufferedAmount < maxBufferedBytes) stalledSince = null;
  };

  return {
    get ready() {
      return waiting.size === 0 && wire.bufferedAmount < maxBufferedBytes;
    },
    send(slot, text) {
      if (slot === null || (waiting.size === 0 && wire.bufferedAmount < maxBufferedBytes)) wire.send(text, flush);
      else {
        stalledSince ??= now();
        waiting.set(slot, text);
      }
    },
    forget: (slot) => void waiting.delete(slot),
    stalledMs: () => (stalledSince === null ? 0 : now() - stalledSince),
  };
}
