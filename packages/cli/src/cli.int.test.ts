import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@devflow/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testWeb, type TestWeb } from "../../../controller/src/testing/web.ts";
import { buildCli } from "../../../scripts/build.ts";

/** The bundle as a user runs it, against a controller with everything real. */
describe("devflow", () => {
  let web: TestWeb;
  let home: string;
  let file: string;
  let owner: string;
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), "devflow-cli-"));
    file = join(home, "devflow.mjs");
    await buildCli(file);
    web = await testWeb();
    owner = await web.token("owner");
  });
  afterAll(async () => {
    await web.close();
    rmSync(home, { recursive: true });
  });

  interface Options {
    readonly env?: Record<string, string>;
    readonly input?: string;
    /** Called with all of stderr whenever more came. */
    readonly onError?: (text: string) => void;
  }
  const run = (args: readonly string[], { env = {}, input = "", onError }: Options = {}) =>
    new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
      const child = spawn(process.execPath, [file, ...args], { env: { PATH: process.env["PATH"], HOME: home, ...env } });
      let [out, err] = ["", ""];
      child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
      child.stderr.on("data", (chunk: Buffer) => onError?.((err += chunk.toString())));
      if (onError === undefined) child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
      child.on("close", (code) => resolve({ code, out, err }));
      child.stdin.end(input);
    });
  const as = (token: string) => ({ env: { DEVFLOW_URL: web.origin, DEVFLOW_TOKEN: token } });
  const json = async (args: readonly string[], token = owner) => {
    const { code, out, err } = await run([...args, "--json"], as(token));
    expect([args, code, err]).toEqual([args, 0, ""]);
    return JSON.parse(out);
  };
  const credentials = () => join(home, ".config/devflow/credentials.json");

  it("signs in by a token from a pipe, keeps it for its user alone, and signs out for good", async () => {
    const secret = await web.token("view");
    const signedIn = await run(["login", web.origin, "--with-token", "--name", "here"], { input: `${secret}\n` });
    expect([signedIn.code, signedIn.out]).toEqual([0, ""]);
    expect(signedIn.err).toContain('as "view"');
    expect(statSync(credentials()).mode & 0o777).toBe(0o600);
    expect(statSync(join(home, ".config/devflow")).mode & 0o777).toBe(0o700);
    expect((await run(["whoami"])).out).toContain("role          view");
    expect((await run(["contexts", "list"])).out).toContain(`*  here  ${web.origin}`);
    expect((await run(["contexts", "use", "nowhere"])).code).toBe(5);
    chmodSync(credentials(), 0o644);
    const open = await run(["whoami"]);
    expect([open.code, open.err]).toEqual([1, expect.stringContaining("chmod 600")]);
    chmodSync(credentials(), 0o600);
    expect((await run(["logout"])).code).toBe(0);
    expect(readFileSync(credentials(), "utf8")).not.toContain(secret);
    expect((await web.ask("/api/v1/me", { token: secret })).status).toBe(401);
    const after = await run(["whoami"]);
    expect([after.code, after.out, after.err]).toEqual([3, "", expect.stringContaining("devflow login")]);
  });

  it("signs in by the browser: the code in the terminal is the one that is confirmed", async () => {
    const cookie = await web.signIn();
    let answered = false;
    const signedIn = await run(["login", web.origin, "--role", "edit", "--name", "browser"], {
      onError: (text) => {
        const code = /compare the code: (\S+)/.exec(text)?.[1];
        if (code === undefined || answered) return;
        answered = true;
        expect(text).toContain(`${web.origin}/cli-login?code=${code}`);
        void web.ask("/api/v1/cli-logins/confirm", {
          method: "POST",
          cookie,
          json: { userCode: code, address: "127.0.0.1", name: "laptop", role: "edit", expiresInDays: 1 },
        });
      },
    });
    expect([signedIn.code, answered]).toEqual([0, true]);
    expect((await run(["whoami"])).out).toContain("edit");
    expect((await run(["logout"])).code).toBe(0);
  });

  it("lists, shows, renames, revokes and deletes servers by name", async () => {
    const id = await web.server({ name: "alpha" });
    await web.server({ name: "beta" });
    const listed = await json(["servers", "list", "--search", "alpha"]);
    expect(listed.items.map((item: { id: string }) => item.id)).toEqual([id]);
    expect((await run(["servers"], as(owner))).out).toMatch(/^NAME\s+STATE[\s\S]*^alpha\s+pending/m);
    expect((await json(["servers", "list", "--limit", "1"])).items).toHaveLength(1);
    expect((await json(["servers", "show", "ALPHA"])).id).toBe(id);
    expect((await json(["servers", "rename", "alpha", "gamma"])).name).toBe("gamma");
    const unsure = await run(["servers", "delete", "gamma"], as(owner));
    expect([unsure.code, unsure.err]).toEqual([2, expect.stringContaining("--yes")]);
    expect((await json(["servers", "revoke", "gamma", "--yes"])).state).toBe("revoked");
    expect(await json(["servers", "delete", "gamma", "-y"])).toEqual({ id, deleted: true });
    expect((await run(["servers", "show", "gamma"], as(owner))).code).toBe(5);
    await web.server({ name: "beta" });
    const twice = await run(["servers", "show", "beta"], as(owner));
    expect([twice.code, twice.err]).toEqual([2, expect.stringContaining("2 servers")]);
  });

  it("makes tokens and enrolment lines alone on stdout", async () => {
    const made = await run(["tokens", "create", "ci", "--role", "view", "--expires", "7"], as(owner));
    expect(made.out).toMatch(/^devflow_api_\S+\n$/);
    expect((await web.ask("/api/v1/me", { token: made.out.trim() })).body.role).toBe("view");
    expect((await run(["tokens"], as(owner))).out).toMatch(/^ci\s+view/m);
    expect((await run(["tokens", "revoke", "ci", "--yes"], as(owner))).code).toBe(0);
    expect((await web.ask("/api/v1/me", { token: made.out.trim() })).status).toBe(401);
    const line = await run(["enrol", "--uses", "3", "--expires", "2h"], as(owner));
    expect(line.out).toMatch(/^curl -fsSLk --pinnedpubkey .* --token dfe_\S+ --ca \S+\n$/);
    const [row] = await web.ctx
      .sql`select max_uses as uses, extract(epoch from expires_at - created_at)::int / 60 as minutes from enrolment_tokens`;
    expect(row).toEqual({ uses: 3, minutes: 120 });
  });

  it("gives metrics as JSON, CSV and text", async () => {
    const id = await web.server({ name: "measured" });
    const until = Math.floor(Date.now() / 10_000) * 10;
    await web.ctx.sql`
      insert into metric_host_10s (server_no, instance_no, time, samples, cpu_busy, cpu_busy_max)
      select server_no, 0, to_timestamp(${until}::int - 10 * (30 - n)), 10, n * 100, n * 200 from servers, generate_series(0, 29) n where id = ${id}`;
    const result = await json(["metrics", "measured", "-m", "cpu"]);
    expect(result.series.map(({ metric, unit }: { metric: string; unit: string }) => [metric, unit])).toEqual([
      ["host.cpu_busy", "percent"],
    ]);
    const text = await run(["metrics", "measured", "-m", "cpu"], as(owner));
    // The first of the 20 s holds one value or two, by when the hour began.
    expect(text.out).toMatch(/host\.cpu_busy\s+29 %\s+15 %\s+0(\.5)? %\s+58 %/);
    expect((await run(["metrics", "measured", "-m", "cpu", "--csv"], as(owner))).out).toMatch(/^time,"host\.cpu_busy percent"/);
    expect((await run(["metrics", "measured", "-m", "cpu", "--chart"], as(owner))).out).toContain("100 % ┤");
    const wrong = await run(["metrics", "measured", "-m", "cpuu"], as(owner));
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("There is no metric cpuu")]);
  });

  it("ends with documented codes and says on stderr what to do", async () => {
    const viewer = await web.token("view");
    const [port] = await freePorts(1);
    const cases: [readonly string[], Record<string, string>, number][] = [
      [["servers", "lisst"], {}, 2],
      [["servers", "list", "--state", "no"], {}, 2],
      [["metrics"], {}, 2],
      [["whoami"], { DEVFLOW_TOKEN: "devflow_api_wrong" }, 3],
      [["tokens", "create", "x"], { DEVFLOW_TOKEN: viewer }, 4],
      [["servers", "show", "nobody"], {}, 5],
      [["whoami"], { DEVFLOW_URL: `http://127.0.0.1:${port}` }, 6],
      [["whoami"], { DEVFLOW_URL: "http://devflow.example" }, 2],
      [["--help"], {}, 0],
      [["--version"], {}, 0],
    ];
    for (const [args, env, code] of cases) {
      const done = await run(args, { env: { ...as(owner).env, ...env } });
      expect([args, done.code]).toEqual([args, code]);
      // What is asked for goes to stdout, what went wrong to stderr, never both.
      expect([args, done.out === "", done.err.length > 10]).toEqual([args, code !== 0, code !== 0]);
    }
    const asJson = await run(["servers", "show", "nobody", "--json"], as(owner));
    expect(JSON.parse(asJson.err)).toMatchObject({ error: { code: "notFound" } });
  });

  it("writes no colours unless a terminal reads, and no control characters of a server's", async () => {
    await web.ctx
      .sql`insert into servers (organization_id, name, hostname) values (${web.ctx.installation.defaultOrganizationId}, ${"evil\u001b]52;c;AAAA\u0007"}, 'h')`;
    const plain = await run(["servers", "list", "--search", "evil"], as(owner));
    expect(plain.out).toContain("evil�]52;c;AAAA�");
    expect(plain.out).not.toContain("\u001b");
    const forced = await run(["servers", "list"], { env: { ...as(owner).env, FORCE_COLOR: "1" } });
    expect(forced.out).toContain("\u001b[2m");
    expect((await run(["servers", "list", "--no-color"], { env: { ...as(owner).env, FORCE_COLOR: "1" } })).out).not.toContain("\u001b");
    expect((await run(["servers", "list"], { env: { ...as(owner).env, FORCE_COLOR: "1", NO_COLOR: "1" } })).out).not.toContain("\u001b");
  });

  it("ends quietly when its reader has enough", async () => {
    const shell = spawn(
      "bash",
      ["-c", `set -o pipefail; "${process.execPath}" "${file}" servers list --json | head -c 1; exit $\{PIPESTATUS[0]}`],
      {
        env: { PATH: process.env["PATH"], HOME: home, ...as(owner).env },
      },
    );
    let err = "";
    shell.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    expect([await new Promise((resolve) => shell.on("close", resolve)), err]).toEqual([0, ""]);
  });

  it("completes commands, options, servers and contexts, and evaluates nothing", async () => {
    await web.server({ name: "web server 1" });
    const complete = async (...words: string[]) =>
      (await run(["__complete", "--", ...words], as(owner))).out
        .split("\n")
        .filter(Boolean)
        .map((line) => line.split("\t")[0]);
    expect(await complete("serv")).toEqual(["servers", "service-accounts"]);
    expect(await complete("servers", "re")).toEqual(["rename", "revoke", "release"]);
    await web.ask("/api/v1/groups", { method: "POST", token: owner, json: { name: "Edge" } });
    await web.ask("/api/v1/tags", { method: "POST", token: owner, json: { name: "prod" } });
    expect(await complete("servers", "list", "--group", "e")).toEqual(["Edge"]);
    expect(await complete("groups", "show", "e")).toEqual(["Edge"]);
    expect(await complete("servers", "list", "--tag", "p")).toEqual(["prod"]);
    expect(await complete("tags", "delete", "p")).toEqual(["prod"]);
    expect(await complete("servers", "list", "--state", "o")).toEqual(["online", "offline"]);
    expect(await complete("servers", "list", "--sta")).toEqual(["--state"]);
    expect(await complete("metrics", "x", "-m", "cpu,host.load_")).toEqual(["cpu,host.load_1", "cpu,host.load_5", "cpu,host.load_15"]);
    expect(await complete("servers", "show", "web\\ s")).toEqual(["web server 1"]);
    expect((await run(["__complete", "--", "servers", "show", ""])).code).toBe(0);

    await web.ctx
      .sql`insert into servers (organization_id, name, hostname) values (${web.ctx.installation.defaultOrganizationId}, ${`x$(touch ${home}/owned)`}, 'h')`;
    const { out: script } = await run(["completion", "bash"]);
    const shell = spawn(
      "bash",
      [
        "-c",
        `${script}\ndevflow() { "${process.execPath}" "${file}" "$@"; }\nCOMP_WORDS=(devflow servers show x); COMP_CWORD=3; _devflow; printf '%s\\n' "$\{COMPREPLY[@]}"; ls "${home}"`,
      ],
      { env: { PATH: process.env["PATH"], HOME: home, ...as(owner).env } },
    );
    let printed = "";
    shell.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    await new Promise((resolve) => shell.on("close", resolve));
    expect(printed).toContain("x\\$\\(touch");
    expect(printed.split("\n")).not.toContain("owned");
  });

  it("prints the fleet once when no terminal reads", async () => {
    const { items } = await json(["top", "--sort", "name"]);
    expect(items.length).toBeGreaterThan(1);
    expect((await run(["top"], as(owner))).out).toMatch(/^NAME\s+STATE/);
  });
});
