import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A TCP load balancer as agents see one: one address, and behind it whichever gateway was chosen last. */
export interface Switchboard {
  readonly port: number;
  /** Connections from now on go to this port of this machine. */
  lead(port: number): void;
  /** Ends what is open. */
  cut(): void;
  /** What is open carries nothing any more and is not closed, as when a machine is cut off; new connections work. */
  hang(): void;
  close(): Promise<void>;
}

export async function startSwitchboard(): Promise<Switchboard> {
  let target = 0;
  const pairs = new Set<readonly [Socket, Socket]>();
  const hung = new WeakSet<readonly [Socket, Socket]>();
  const server = createServer((near) => {
    const far = connect(target, "127.0.0.1");
    const pair = [near, far] as const;
    pairs.add(pair);
    near.pipe(far);
    far.pipe(near);
    const end = (): void => {
      if (hung.has(pair)) return;
      near.destroy();
      far.destroy();
      pairs.delete(pair);
    };
    for (const socket of pair) socket.on("error", end).on("close", end);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    lead: (port) => void (target = port),
    cut() {
      for (const pair of pairs) if (!hung.has(pair)) pair[0].destroy();
    },
    hang() {
      for (const pair of pairs) {
        const [near, far] = pair;
        hung.add(pair);
        near.unpipe(far).pause();
        far.unpipe(near).pause();
      }
    },
    async close() {
      for (const [near, far] of pairs) {
        near.destroy();
        far.destroy();
      }
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
