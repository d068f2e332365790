import { createHash } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { Writable } from "node:stream";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { adminEmail, adminPassword, testWeb, type TestWeb } from "../../../testing/web.ts";

const stolen = "a long password that leaked";
const hash = createHash("sha1").update(stolen).digest("hex").toUpperCase();
/** Entries as the service gives them: 35 characters, a colon, a count, CRLF; padding has the count 0. */
const others = ["0018A45C4D1DEF81644B54AB7F969B88D65:21", "00D4F6E8FA6EECAD2A3AA415EEC418D38EC:2", "FF36DC7D3284A39991ADA90CAF20D1E3C0D:0"];
const list = (...entries: string[]) => [...others, ...entries].toSorted().join("\r\n");

let web: TestWeb;
let logged = "";
let respond: (response: ServerResponse) => void;
const asked: { url: string; headers: IncomingHttpHeaders }[] = [];
const service = createServer((request, response) => {
  asked.push({ url: request.url!, headers: request.headers });
  respond(response);
});

beforeAll(async () => {
  await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
  const breachedPasswordsUrl = new URL(`http://127.0.0.1:${(service.address() as { port: number }).port}/range/`);
  const log = pino({ level: "warn" }, new Writable({ write: (chunk, _, done) => ((logged += String(chunk)), done()) }));
  web = await testWeb({ breachedPasswordsUrl }, { log });
});
afterAll(async () => {
  await web.close();
  service.closeAllConnections();
  await new Promise((resolve) => service.close(resolve));
});
beforeEach(() => {
  asked.length = 0;
  logged = "";
});

let current: string = adminPassword;
/** Changes the password of the administrator, as the profile does. */
async function change(newPassword: string) {
  const signedIn = await web.ask("/api/v1/session", { method: "POST", json: { email: adminEmail, password: current } });
  const cookie = signedIn.headers.getSetCookie()[0]!.split(";", 1)[0]!;
  const answer = await web.ask("/api/v1/me/password", { method: "POST", cookie, json: { currentPassword: current, newPassword } });
  if (answer.status === 204) current = newPassword;
  return answer;
}
const turn = async (checkBreachedPasswords: boolean) => {
  const cookie = (await web.ask("/api/v1/session", { method: "POST", json: { email: adminEmail, password: current } })).headers
    .getSetCookie()[0]!
    .split(";", 1)[0]!;
  const put = await web.ask("/api/v1/settings/security", { method: "PUT", cookie, json: { checkBreachedPasswords } });
  expect([put.status, put.body]).toEqual([200, { checkBreachedPasswords }]);
};

it("off at first: nothing leaves the controller", async () => {
  respond = (response) => response.end(list(`${hash.slice(5)}:3861493`));
  expect((await change(stolen)).status).toBe(204);
  expect(asked).toEqual([]);
});

describe("turned on", () => {
  beforeAll(() => turn(true));

  it("refuses what is in the list, and tells it five characters", async () => {
    respond = (response) => response.end(list(`${hash.slice(5)}:3861493`));
    const refused = await change(stolen);
    expect([refused.status, refused.body]).toMatchObject([
      422,
      { code: "invalid", errors: [{ path: "newPassword", message: expect.stringContaining("list of stolen passwords") }] },
    ]);
    expect(asked).toMatchObject([{ url: `/range/${hash.slice(0, 5)}`, headers: { "add-padding": "true" } }]);
    expect(JSON.stringify(asked)).not.toMatch(new RegExp(`${hash.slice(5)}|${stolen}`, "i"));
  });

  it("takes what is not in it, and what stands there as padding", async () => {
    respond = (response) => response.end(list());
    expect((await change("not in any list at all")).status).toBe(204);
    respond = (response) => response.end(list(`${hash.slice(5)}:0`));
    expect((await change(stolen)).status).toBe(204);
    expect([asked.length, logged]).toEqual([2, ""]);
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ["an error", (response) => response.writeHead(503).end("later")],
    ["a limit", (response) => response.writeHead(429, { "retry-after": "2" }).end()],
    ["a page of a proxy", (response) => response.setHeader("content-type", "text/html").end("<html>Sign in to the network</html>")],
    ["a redirect", (response) => response.writeHead(302, { location: "http://127.0.0.1:9/" }).end()],
    ["nothing", (response) => response.destroy()],
    ["silence", () => {}],
    ["a list without end", (response) => endless(response)],
  ])("%s keeps nobody from a new password, and is logged", async (name, answer) => {
    respond = answer;
    expect((await change(`another password ${name}`)).status).toBe(204);
    expect(asked).toHaveLength(1);
    expect(logged).toContain("the list of stolen passwords did not answer");
    expect(logged).not.toContain("another password");
  });
});

function endless(response: ServerResponse): void {
  const line = `${list()}\r\n`.repeat(200);
  const more = (): void => {
    while (!response.destroyed && response.write(line));
    if (!response.destroyed) response.once("drain", more);
  };
  response.on("close", () => response.removeAllListeners("drain"));
  more();
}
