import { latestOf } from "@devflow/api/latest-values";
import { DevFlowError, type LiveMessage } from "@devflow/client";
import { Option } from "commander";
import { type AddCommand, type Cli, clientFor, examples, show } from "../command.ts";
import type { Server } from "../find-server.ts";
import { table } from "../output/table.ts";
import type { GlobalOptions } from "../session.ts";
import { serverColumns } from "./servers.ts";

const orders = ["cpu", "memory", "disk", "name"] as const;
type Order = (typeof orders)[number];

/** What the live topic says, applied to what the list said. */
export function applyLive(servers: Map<string, Server>, message: LiveMessage): void {
  if (message.type === "servers") {
    for (const server of message.changed) servers.set(server.id, server);
    for (const id of message.removed) servers.delete(id);
  } else if (message.type === "values") {
    for (const row of message.rows) {
      const server = servers.get(row[0]);
      // The list may be newer than what was under way while it was read.
      if (server === undefined || (server.latest !== null && Date.parse(server.latest.time) > row[1])) continue;
      const latest = latestOf(row);
      servers.set(row[0], { ...server, lastSeenAt: latest.time, latest });
    }
  }
}

/** Servers in order: what there is no value of comes last. */
export function ordered(servers: Iterable<Server>, by: Order): Server[] {
  const value = ({ latest }: Server): number => {
    if (by === "cpu") return latest?.cpuPercent ?? -1;
    if (by === "disk") return latest?.diskUsedPercent ?? -1;
    return latest?.memoryUsedBytes == null || !latest.memoryTotalBytes ? -1 : latest.memoryUsedBytes / latest.memoryTotalBytes;
  };
  const byName = (a: Server, b: Server) => a.name.localeCompare(b.name);
  return [...servers].sort(by === "name" ? byName : (a, b) => value(b) - value(a) || byName(a, b));
}

export const top: AddCommand = (program, cli) => {
  program
    .command("top")
    .description("the fleet, live; once when no terminal reads it")
    .addOption(new Option("--sort <by>", "order").choices(orders).default("cpu"))
    .option("--once", "print it once")
    .addHelpText(
      "after",
      examples("devflow top --sort memory", "watch -n 60 devflow top --once") +
        "\nKeys: c, m, d, n order by CPU, memory, disk, name; q ends.\n",
    )
    .action(async (_, command: typeof program) => {
      const options = command.optsWithGlobals<GlobalOptions & { sort: Order; once?: boolean }>();
      const { terminal, signal } = cli;
      const client = await clientFor(cli, options);
      const servers = new Map<string, Server>();
      const load = async () => {
        const fresh = new Map<string, Server>();
        for await (const server of client.list("/api/v1/servers", { signal })) fresh.set(server.id, server);
        servers.clear();
        for (const [id, server] of fresh) servers.set(id, server);
      };
      if (options.once === true || options.json === true || !terminal.isTty) {
        await load();
        const items = ordered(servers.values(), options.sort);
        show(cli, options, { items }, () => table(items, serverColumns(cli), terminal.style, terminal.isTty ? terminal.columns : Infinity));
        return;
      }
      await watch(cli, servers, options.sort, (handlers) => {
        let loading = Promise.resolve();
        return client.follow(["servers"], {
          // Read anew each time: what changed while nobody was connected is in no message.
          onState: (state) => {
            handlers.state(state);
            if (state === "open") loading = load().then(handlers.changed, handlers.failed);
          },
          onMessage: (message) => void loading.then(() => (applyLive(servers, message), handlers.changed())),
          onEnd: handlers.failed,
        });
      });
    });
};

interface Handlers {
  readonly changed: () => void;
  readonly state: (state: "open" | "lost") => void;
  readonly failed: (error: unknown) => void;
}

/** Draws until q or Ctrl-C on the other screen, and puts the terminal back whatever happens. */
async function watch(
  cli: Cli,
  servers: Map<string, Server>,
  first: Order,
  follow: (handlers: Handlers) => { close(): void },
): Promise<void> {
  const { terminal } = cli;
  let order = first;
  let state = "open";
  let due = false;
  let over = false;
  const draw = () => {
    due = false;
    if (over) return;
    const all = ordered(servers.values(), order);
    const online = all.filter((server) => server.state === "online").length;
    const head = `${terminal.style.bold(`${online} of ${all.length} online`)}  by ${order}  ${state === "open" ? "" : terminal.style.yellow("connection lost, trying again")}`;
    const lines = [
      head,
      "",
      ...table(all.slice(0, Math.max(1, terminal.rows - 4)), serverColumns(cli), terminal.style, terminal.columns).split("\n"),
    ];
    terminal.out(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join("\n")}\u001b[J`);
  };
  const later = () => {
    if (due) return;
    due = true;
    setTimeout(draw, 250);
  };
  await new Promise<void>((resolve, reject) => {
    const { input, output } = terminal;
    const raw = input.isTTY === true;
    const end = (done: () => void) => {
      if (over) return;
      over = true;
      clearInterval(clock);
      following.close();
      input.off("data", onKey);
      output.off("resize", later);
      if (raw) input.setRawMode(false).pause();
      terminal.out("\u001b[?25h\u001b[?1049l");
      done();
    };
    const onKey = (chunk: Buffer) => {
      const key = chunk.toString();
      if (key === "q" || key === "\u0003" || key === "\u001b") return end(resolve);
      const wanted = orders.find((name) => name[0] === key);
      if (wanted !== undefined) order = wanted;
      later();
    };
    terminal.out("\u001b[?1049h\u001b[?25l\u001b[2J");
    if (raw) input.setRawMode(true).resume();
    input.on("data", onKey);
    output.on("resize", later);
    const clock = setInterval(later, 5_000);
    cli.signal.addEventListener("abort", () => end(resolve), { once: true });
    const following = follow({
      changed: later,
      state: (now) => {
        state = now;
        later();
      },
      failed: (error) => end(() => reject(error instanceof Error ? error : new DevFlowError("unreachable", String(error)))),
    });
  });
}
