import { pino, type DestinationStream, type Logger } from "pino";

const names: Readonly<Record<number, string>> = { 10: "trace", 20: "debug", 30: "info", 40: "warn", 50: "error", 60: "fatal" };

/** JSON lines on standard output; readable lines when that is a terminal. */
export function createLog(level: string, terminal: boolean): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  return terminal ? pino(options, readable) : pino(options, pino.destination({ fd: 1, sync: true }));
}

const readable: DestinationStream = {
  write(line) {
    const { level, time, msg, err, ...rest } = JSON.parse(line) as { level: number; time: string; msg?: string; err?: { message: string } };
    const facts = Object.entries(rest).map(([name, value]) => ` ${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
    process.stdout.write(`${time.slice(11, 19)} ${names[level] ?? level} ${msg ?? ""}${err ? `: ${err.message}` : ""}${facts.join("")}\n`);
  },
};
