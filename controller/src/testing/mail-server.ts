import { SMTPServer, type SMTPServerOptions } from "smtp-server";

/** A mail as it arrived. */
export interface Arrived {
  readonly to: readonly string[];
  /** Text part, decoded; with it, links can be followed. */
  readonly text: string;
  readonly raw: string;
  readonly secure: boolean;
  readonly user: string | undefined;
}

export interface TestMailServer {
  readonly port: number;
  readonly arrived: Arrived[];
  /** Who tried to sign in, and by which method: "PLAIN devflow". */
  readonly users: string[];
  /** Status with which every mail is refused; null: taken. */
  refuse: number | null;
  /** The next mail to that address; waits for it. */
  mailTo(address: string): Promise<Arrived>;
  close(): Promise<void>;
}

/** A real SMTP server on a free loopback port; with user "devflow" and password "mail-password" when `auth`. */
export async function testMailServer({ auth = false, ...options }: SMTPServerOptions & { auth?: boolean } = {}): Promise<TestMailServer> {
  const arrived: Arrived[] = [];
  const users: string[] = [];
  const waiting = new Set<() => void>();
  const state = { refuse: null as number | null };
  const server = new SMTPServer({
    authOptional: !auth,
    ...(auth ? {} : { disabledCommands: ["AUTH", "STARTTLS"] }),
    ...options,
    onAuth({ method, username, password }, _session, done) {
      users.push(`${method} ${username}`);
      if (username === "devflow" && password === "mail-password") return done(null, { user: username });
      done(Object.assign(new Error("wrong password"), { responseCode: 535 }));
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        if (state.refuse !== null) return done(Object.assign(new Error("refused"), { responseCode: state.refuse }));
        const raw = Buffer.concat(chunks).toString();
        const to = session.envelope.rcptTo.map(({ address }) => address);
        arrived.push({ to, text: textOf(raw), raw, secure: session.secure, user: session.user as string | undefined });
        for (const wake of waiting) wake();
        done();
      });
    },
  });
  server.on("error", () => "a client that went away is its own matter");
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.server.address() as { port: number };
  return {
    port,
    arrived,
    users,
    get refuse() {
      return state.refuse;
    },
    set refuse(status) {
      state.refuse = status;
    },
    async mailTo(address) {
      for (;;) {
        const index = arrived.findIndex(({ to }) => to.includes(address));
        if (index >= 0) return arrived.splice(index, 1)[0]!;
        await new Promise<void>((resolve) => {
          const wake = () => {
            waiting.delete(wake);
            resolve();
          };
          waiting.add(wake);
        });
      }
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function textOf(raw: string): string {
  const part = raw.split(/\r\n--/).find((piece) => /content-type: text\/plain/i.test(piece)) ?? raw;
  const body = part.slice(part.indexOf("\r\n\r\n") + 4);
  if (/content-transfer-encoding: base64/i.test(part)) return Buffer.from(body, "base64").toString();
  const bytes = body
    .replaceAll("=\r\n", "")
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString();
}
