import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { testContext, type TestContext } from "../../testing/context.ts";
import { testMailServer, type TestMailServer } from "../../testing/mail-server.ts";
import { createLog } from "../log/index.ts";
import { writeSetting } from "../settings/index.ts";
import { deliverMails, queueMail, readMailQueue } from "./index.ts";

let ctx: TestContext;
let smtp: TestMailServer;
let nowMs = Date.now();
const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

beforeAll(async () => {
  smtp = await testMailServer();
  ctx = await testContext({ clock: { now: () => nowMs }, log: createLog("silent") });
});
afterAll(async () => {
  await ctx.close();
  await smtp.close();
});
const serverAt = (port: number) =>
  writeSetting(ctx.db, ctx, "mail", {
    host: "127.0.0.1",
    port,
    encryption: "none",
    user: null,
    from: "devflow@example.com",
    certificateAuthority: null,
  });
beforeEach(async () => {
  await ctx.sql`delete from mails`;
  smtp.arrived.length = 0;
  smtp.refuse = null;
  await serverAt(smtp.port);
});
const queue = (to: string, validMs?: number) => queueMail(ctx.db, ctx, { to, subject: "s", text: "a secret link", html: "" }, validMs);

it("what the server puts off (4xx) comes again a minute later, and is sent once", async () => {
  await queue("a@example.com");
  smtp.refuse = 451;
  expect(await deliverMails({ ctx })).toEqual({ sent: 0, failed: 1 });
  expect(await readMailQueue(ctx)).toMatchObject({
    waiting: 1,
    failures: [{ attempts: 1, reason: "It answered: 451 refused", givenUpAt: null }],
  });
  smtp.refuse = null;
  expect(await deliverMails({ ctx })).toEqual({ sent: 0, failed: 0 });
  nowMs += minuteMs;
  expect(await deliverMails({ ctx })).toEqual({ sent: 1, failed: 0 });
  expect(smtp.arrived).toMatchObject([{ to: ["a@example.com"] }]);
  expect(await readMailQueue(ctx)).toEqual({ waiting: 0, failures: [] });
});

it("what it refuses for good (5xx) is given up at once, shown for a week without its content, and the next one goes out", async () => {
  await queue("a@example.com");
  smtp.refuse = 550;
  expect(await deliverMails({ ctx })).toEqual({ sent: 0, failed: 1 });
  smtp.refuse = null;
  await queue("b@example.com");
  nowMs += 60 * minuteMs;
  expect(await deliverMails({ ctx })).toEqual({ sent: 1, failed: 0 });
  expect(smtp.arrived).toMatchObject([{ to: ["b@example.com"] }]);
  expect(await readMailQueue(ctx)).toMatchObject({
    waiting: 0,
    failures: [{ reason: "It answered: 550 refused", givenUpAt: expect.any(String) }],
  });
  expect(await ctx.sql`select sealed from mails`).toEqual([{ sealed: null }]);
  nowMs += 7 * dayMs;
  await deliverMails({ ctx });
  expect(await readMailQueue(ctx)).toEqual({ waiting: 0, failures: [] });
});

it("while the server is away one mail tries, the others wait; all go out when it is back", async () => {
  for (const name of ["a", "b", "c"]) await queue(`${name}@example.com`);
  const away = await testMailServer();
  await away.close();
  await serverAt(away.port);
  expect(await deliverMails({ ctx })).toEqual({ sent: 0, failed: 1 });
  expect(await ctx.sql`select attempts from mails order by attempts`).toMatchObject([{ attempts: 0 }, { attempts: 0 }, { attempts: 1 }]);
  await serverAt(smtp.port);
  nowMs += minuteMs;
  expect(await deliverMails({ ctx })).toEqual({ sent: 3, failed: 0 });
});

it("a mail that is of no use any more is not sent, and that is told", async () => {
  await queue("late@example.com", 10 * minuteMs);
  nowMs += 10 * minuteMs;
  expect(await deliverMails({ ctx })).toEqual({ sent: 0, failed: 0 });
  expect(smtp.arrived).toEqual([]);
  expect(await readMailQueue(ctx)).toMatchObject({
    waiting: 0,
    failures: [{ attempts: 0, reason: expect.stringMatching(/while it was of use/) }],
  });
  expect(await ctx.sql`select sealed from mails`).toEqual([{ sealed: null }]);
});
