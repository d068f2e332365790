import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testMailServer, type TestMailServer } from "../../../../controller/src/testing/mail-server.ts";
import { type TestCli, testCli } from "../cli.testkit.ts";

describe("devflow settings", () => {
  let cli: TestCli;
  let token: string;
  let mail: TestMailServer;
  beforeAll(async () => {
    cli = await testCli();
    mail = await testMailServer();
    // Settings of the installation are its administrators', and a token's only when it is an owner's of theirs.
    const json = { name: "mine", role: "owner" };
    const made = await cli.web.ask("/api/v1/tokens", { method: "POST", cookie: await cli.web.signIn(), json });
    token = made.body.secret as string;
  });
  afterAll(async () => {
    await mail.close();
    await cli.close();
  });

  it("sets mail, keeps what is not named, sends one, and never shows the password", async () => {
    expect(await cli.refusal(["settings", "mail", "--port", "25"], token)).toMatch(/^2 Error: Mail is not set yet/);
    const set = ["--host", "127.0.0.1", "--port", String(mail.port), "--encryption", "none", "--from", "devflow@example.com"];
    expect(await cli.json(["settings", "mail", ...set], token)).toMatchObject({
      mail: { port: mail.port, user: null },
      hasPassword: false,
    });
    const sent = await cli.run(["settings", "mail-test", "anna@example.com"], { token });
    expect([sent.code, sent.out]).toEqual([0, expect.stringMatching(/^Sent to anna@example\.com/)]);
    expect(mail.arrived).toHaveLength(1);
    const secret = await cli.run(["settings", "mail", "--user", "devflow", "--password-stdin"], { token, input: "very-secret\n" });
    expect([secret.code, secret.out + secret.err]).toEqual([0, expect.stringContaining("devflow, with a password")]);
    expect(secret.out + secret.err).not.toContain("very-secret");
    expect(await cli.json(["settings", "mail", "--from", "Flow <flow@example.com>"], token)).toMatchObject({
      mail: { host: "127.0.0.1", user: "devflow", from: "Flow <flow@example.com>" },
      hasPassword: true,
    });
    expect(await cli.refusal(["settings", "mail", "--port", "x"], token)).toMatch(/^2 Error: --port/);
    expect(await cli.refusal(["settings", "mail-remove"], token)).toMatch(/^2 .*Nobody can be asked/);
    expect((await cli.run(["settings", "mail-remove", "--yes"], { token })).code).toBe(0);
    expect((await cli.json(["settings", "mail"], token)).mail).toBeNull();
  });

  it("reads and changes what is one value", async () => {
    expect(await cli.json(["settings", "outgoing", "--allow", "10.0.0.0/8", "fd00::/8"], token)).toEqual({
      allowed: ["10.0.0.0/8", "fd00::/8"],
    });
    expect((await cli.run(["settings", "outgoing"], { token })).out).toContain("10.0.0.0/8, fd00::/8");
    expect(await cli.json(["settings", "outgoing", "--allow-none"], token)).toEqual({ allowed: [] });
    expect(await cli.refusal(["settings", "outgoing", "--allow", "everything"], token)).toMatch(/^1 Error: /);
    expect(await cli.json(["settings", "passwords", "--check-breached", "off"], token)).toEqual({ checkBreachedPasswords: false });
    expect(await cli.json(["settings", "organizations", "--grace", "30"], token)).toEqual({
      creation: "administrators",
      deletionGraceDays: 30,
    });
    expect(await cli.json(["settings", "retention", "--events", "30"], token)).toMatchObject({ eventDays: 30 });
    expect(await cli.json(["settings", "retention", "--audit", "400"], token)).toMatchObject({ eventDays: 30, auditDays: 400 });
    expect(await cli.json(["settings", "retention", "--hours", "800"], token)).toMatchObject({
      tenSecondDays: 14,
      hourDays: 800,
      auditDays: 400,
    });
    expect(await cli.refusal(["settings", "retention", "--audit", "1"], token)).toMatch(/^2 Error: --audit/);
    expect(await cli.refusal(["settings", "passwords", "--check-breached", "perhaps"], token)).toMatch(/^2 Error: --check-breached/);
  });

  it("says what to enter at the provider, and what is wrong with one that does not answer", async () => {
    expect((await cli.json(["settings", "sign-in"], token)).redirectUri).toMatch(/^http/);
    expect(await cli.refusal(["settings", "sign-in", "--issuer", cli.nowhere], token)).toMatch(/^2 Error: No provider is set yet/);
    expect(await cli.refusal(["settings", "sign-in", "--issuer", cli.nowhere, "--client-id", "x"], token)).toMatch(/^1 Error: /);
    expect((await cli.run(["settings", "sign-in-remove", "--yes"], { token })).code).toBe(0);
  });
});
