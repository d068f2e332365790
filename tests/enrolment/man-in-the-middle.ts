import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as tlsConnect, createServer as createTlsServer } from "node:tls";

export interface Running {
  readonly port: number;
  /** Everything that the victim said, decrypted. */
  readonly heard: Buffer[];
  close(): Promise<void>;
}

const running = (server: Server, heard: Buffer[], sockets: Set<Socket>): Promise<Running> =>
  new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () =>
      resolve({
        port: (server.address() as AddressInfo).port,
        heard,
        close: () =>
          new Promise((done) => {
            for (const socket of sockets) socket.destroy();
            server.close(() => done());
          }),
      }),
    ),
  );

/** A certificate that names whatever its owner likes, signed by itself; made by openssl, another implementation than ours. */
export function selfSigned(name = "enrol.devflow.internal"): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), "mitm-"));
  const args = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "2",
    "-subj",
    `/CN=${name}`,
    "-addext",
    `subjectAltName=DNS:${name}`,
  ];
  execFileSync("openssl", [...args, "-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")], { stdio: "ignore" });
  const made = { key: readFileSync(join(folder, "key.pem"), "utf8"), cert: readFileSync(join(folder, "cert.pem"), "utf8") };
  rmSync(folder, { recursive: true });
  return made;
}

/** Terminates the victim's TLS with a certificate of its own, speaks TLS to the controller, and changes what it likes. */
export function manInTheMiddle(
  controllerPort: number,
  tamper: (answer: Buffer) => Buffer = (answer) => answer,
  own = selfSigned(),
): Promise<Running> {
  const heard: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createTlsServer(own, (victim) => {
    const controller = tlsConnect({ host: "127.0.0.1", port: controllerPort, rejectUnauthorized: false });
    for (const socket of [victim, controller]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
    }
    victim.on("close", () => controller.destroy());
    // What was said before goes out first.
    controller.on("close", () => victim.end());
    victim.on("data", (data: Buffer) => (heard.push(data), controller.write(data)));
    controller.on("data", (data: Buffer) => victim.write(tamper(data)));
  });
  server.on("tlsClientError", () => undefined);
  return running(server, heard, sockets);
}

/** Hands bytes through untouched, as an honest router does, until `controllerPort` is changed. */
export function router(controllerPort: number): Promise<Running> {
  const sockets = new Set<Socket>();
  return running(
    createTcpServer((victim) => {
      const controller = connect({ host: "127.0.0.1", port: controllerPort });
      for (const socket of [victim, controller]) {
        sockets.add(socket);
        socket.on("error", () => socket.destroy());
      }
      victim.pipe(controller).pipe(victim);
    }),
    [],
    sockets,
  );
}

/** An HTTP proxy that knows CONNECT alone; `heard` holds the hosts asked for. */
export function httpProxy(): Promise<Running> {
  const heard: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createHttpServer((_request, response) => response.writeHead(405).end());
  server.on("connect", (request, client: Socket) => {
    heard.push(Buffer.from(request.url ?? ""));
    const [, port] = (request.url ?? "").split(":");
    // Every name leads to this machine: a proxy resolves names that its client cannot.
    const target = connect({ host: "127.0.0.1", port: Number(port) }, () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      client.pipe(target).pipe(client);
    });
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
    }
  });
  return running(server, heard, sockets);
}
