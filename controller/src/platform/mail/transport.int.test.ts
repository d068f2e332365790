import { createServer, type Server, type Socket } from "node:net";
import type { MailSettings } from "@devflow/api";
import type { SMTPServerOptions } from "smtp-server";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { testMailServer, type TestMailServer } from "../../testing/mail-server.ts";
import { createTestCa } from "../rpc/pki.testkit.ts";
import { inWords } from "./in-words.ts";
import { transmit } from "./transport.ts";

type Ca = Awaited<ReturnType<typeof createTestCa>>;
let ca: Ca;
let certificate: { key: string; cert: string };
const closing: (() => Promise<unknown>)[] = [];
const mail = { to: "bob@example.com", subject: "Hello", text: "Hello Bob", html: "<p>Hello Bob</p>" };

beforeAll(async () => {
  ca = await createTestCa("mail test CA");
  const pair = await ca.issue("localhost", "server");
  certificate = { key: pair.keyPem, cert: pair.certPem };
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function server(options: SMTPServerOptions & { auth?: boolean }): Promise<TestMailServer> {
  const made = await testMailServer({ ...certificate, ...options });
  closing.push(() => made.close());
  return made;
}
const settings = (port: number, values: Partial<MailSettings> = {}): MailSettings => ({
  host: "localhost",
  port,
  encryption: "starttls",
  user: null,
  from: "DevFlow <devflow@example.com>",
  certificateAuthority: ca.caPem,
  ...values,
});
const send = (port: number, values: Partial<MailSettings> = {}, password?: string, timeoutMs?: number) =>
  transmit(settings(port, values), password, mail, timeoutMs);
const refusal = async (sent: Promise<string>) =>
  sent.then(
    (answer) => `taken: ${answer}`,
    (error: unknown) => inWords(error),
  );

describe("encryption", () => {
  it("takes STARTTLS where the server offers it, before anything is said", async () => {
    const smtp = await server({ disabledCommands: ["AUTH"] });
    expect(await send(smtp.port)).toMatch(/^250/);
    expect(smtp.arrived).toMatchObject([{ to: ["bob@example.com"], secure: true, text: expect.stringContaining("Hello Bob") }]);
  });

  it("sends nothing when STARTTLS was taken away on the way", async () => {
    const smtp = await server({ disabledCommands: ["AUTH", "STARTTLS"] });
    expect(await refusal(send(smtp.port))).toMatch(/does not offer STARTTLS, so nothing was sent/);
    expect(smtp.arrived).toEqual([]);
  });

  it("takes TLS from the first byte", async () => {
    const smtp = await server({ secure: true, disabledCommands: ["AUTH"] });
    expect(await send(smtp.port, { encryption: "tls" })).toMatch(/^250/);
    expect(smtp.arrived).toMatchObject([{ secure: true }]);
  });

  it("says which way to choose when the server speaks the other one", async () => {
    const plainFirst = await server({ disabledCommands: ["AUTH"] });
    expect(await refusal(send(plainFirst.port, { encryption: "tls" }))).toMatch(/does not speak TLS from the first byte.*STARTTLS/);
    const tlsFirst = await server({ secure: true, disabledCommands: ["AUTH"] });
    expect(await refusal(send(tlsFirst.port, {}, undefined, 1_500))).toMatch(/wants TLS from the first byte/);
  });

  it.each(["starttls", "tls"] as const)("refuses a certificate that does not verify (%s)", async (encryption) => {
    const smtp = await server({ secure: encryption === "tls", auth: true });
    const stranger = (await createTestCa("somebody else")).caPem;
    const asUser = { encryption, user: "devflow" } as const;
    // Of nobody whom this machine knows; of another authority; for another name; expired.
    expect(await refusal(send(smtp.port, { ...asUser, certificateAuthority: null }, "mail-password"))).toMatch(
      /certificate was not accepted/,
    );
    expect(await refusal(send(smtp.port, { ...asUser, certificateAuthority: stranger }, "mail-password"))).toMatch(
      /certificate was not acc/,
    );
    expect(await refusal(send(smtp.port, { ...asUser, host: "127.0.0.1" }, "mail-password"))).toMatch(/not accepted.*(altnames|IP)/);
    const old = await ca.issue("localhost", "server", { notBefore: new Date(1e12), notAfter: new Date(1.1e12) });
    const expired = await server({ secure: encryption === "tls", auth: true, key: old.keyPem, cert: old.certPem });
    expect(await refusal(send(expired.port, asUser, "mail-password"))).toMatch(/not accepted.*expired/);
    expect([...smtp.arrived, ...expired.arrived]).toEqual([]);
    expect([...smtp.users, ...expired.users]).toEqual([]);
    expect(await send(smtp.port, asUser, "mail-password")).toMatch(/^250/);
  });
});

describe("signing in", () => {
  it.each(["PLAIN", "LOGIN"])("by AUTH %s", async (method) => {
    const smtp = await server({ auth: true, authMethods: [method] });
    expect(await send(smtp.port, { user: "devflow" }, "mail-password")).toMatch(/^250/);
    expect(smtp.arrived).toMatchObject([{ user: "devflow", secure: true }]);
    expect(smtp.users).toEqual([`${method} devflow`]);
  });

  it.each(["PLAIN", "LOGIN"])("a wrong password is told with the server's words (%s)", async (method) => {
    const smtp = await server({ auth: true, authMethods: [method] });
    expect(await refusal(send(smtp.port, { user: "devflow" }, "guess"))).toMatch(
      /did not accept the user and password: 535 .*wrong password/,
    );
    expect(smtp.arrived).toEqual([]);
  });

  it("a server that wants a sign-in says so", async () => {
    const smtp = await server({ auth: true });
    expect(await refusal(send(smtp.port))).toMatch(/It answered: 530/);
  });
});

describe("a server that", () => {
  /** Accepts connections and does with each socket what is given. */
  async function raw(onSocket: (socket: Socket) => void): Promise<{ port: number; open: () => number }> {
    const sockets = new Set<Socket>();
    const listener: Server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => "the other side went");
      socket.on("close", () => sockets.delete(socket));
      onSocket(socket);
    });
    await new Promise<void>((resolve) => listener.listen(0, "localhost", resolve));
    closing.push(() => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => listener.close(resolve));
    });
    return { port: (listener.address() as { port: number }).port, open: () => sockets.size };
  }

  it("is away", async () => {
    const { port } = await raw(() => {});
    await closing.pop()!();
    expect(await refusal(send(port))).toMatch(/connection was refused/);
    expect(await refusal(send(25, { host: "mail.invalid" }))).toMatch(/no address/);
  });

  it("never greets, or answers a byte now and then, is left when the time is over", async () => {
    const silent = await raw(() => {});
    expect(await refusal(send(silent.port, {}, undefined, 300))).toMatch(/did not answer in time/);
    const dripping = await raw((socket) => {
      const drip = setInterval(() => socket.write("2"), 20);
      socket.on("close", () => clearInterval(drip));
    });
    expect(await refusal(send(dripping.port, {}, undefined, 500))).toMatch(/did not answer in time/);
    await expect.poll(() => silent.open() + dripping.open()).toBe(0);
  });

  it("goes away in the middle", async () => {
    const { port } = await raw((socket) => {
      socket.write("220 hello\r\n");
      socket.once("data", () => socket.destroy());
    });
    expect(await refusal(send(port, { encryption: "none" }))).toMatch(/closed the connection/);
  });

  it("speaks something else", async () => {
    const { port } = await raw((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    expect(await refusal(send(port, { encryption: "none" }))).toMatch(/HTTP\/1\.1 400/);
  });
});
