import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readConfig } from "../../controller/src/config.ts";
import { createToken, enrolmentCredentials, revokeToken } from "../../controller/src/features/enrolment/index.ts";
import { systemPrincipal } from "../../controller/src/platform/auth/system-principal.ts";
import { enrolmentTokens } from "../../controller/src/features/enrolment/schema.ts";
import { servers } from "../../controller/src/features/servers/schema.ts";
import { type Controller, startController } from "../../controller/src/main.ts";
import { assets } from "../../controller/src/platform/assets.ts";
import { bareMachine, bootedMachine, cannotMake, type Machine } from "./machine.ts";
import { httpProxy, manInTheMiddle } from "./man-in-the-middle.ts";

let controller: Controller;
let folder: string;
let enrolPort: number;

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

async function startAll(): Promise<void> {
  if (!existsSync(join(assets.agent, "devflow-agent.mjs")))
    execFileSync(process.execPath, ["scripts/build.ts", "agent"], { stdio: "ignore" });
  folder = mkdtempSync(join(tmpdir(), "devflow-install-"));
  chmodSync(folder, 0o755); // the database's user passes through
  enrolPort = await freePort();
  const ports = { DEVFLOW_PORT: "0", DEVFLOW_GATEWAY_PORT: String(await freePort()), DEVFLOW_ENROL_PORT: String(enrolPort) };
  controller = await startController(
    readConfig({ ...ports, DEVFLOW_DATA_DIR: join(folder, "data"), DEVFLOW_LOCAL_AGENT: "off", DEVFLOW_LOG_LEVEL: "error" }),
  );
}

async function line(input: object = {}, options = ""): Promise<string> {
  const { ctx } = controller;
  const { command } = await createToken({
    ctx,
    principal: systemPrincipal(ctx.installation.defaultOrganizationId),
    input: { requestHost: null, ...input },
  });
  return `${command.replace("| sudo sh", "| sh")} ${options}`;
}
const withHost = (command: string, host: string, port = enrolPort) => command.replace(/https:\/\/[^/]+\//, `https://${host}:${port}/`);
/** The honest script, whose downloads and enrolment then go to another port of this machine. */
const throughPort = (command: string, port: number) =>
  withHost(command, "127.0.0.1").replace("| sh", `| sed "s/^DEVFLOW_ENROL_PORT=.*/DEVFLOW_ENROL_PORT='${port}'/" | sh`);
const uninstall = "curl -fsSk https://127.0.0.1:PORT/install.sh | sh -s -- --uninstall";
const serverCount = async () => (await controller.ctx.db.select().from(servers)).length;

const unsupported = { bare: cannotMake("bare"), systemd: cannotMake("systemd"), openrc: cannotMake("openrc") };
const any = unsupported.bare === null;
beforeAll(async () => {
  if (any) await startAll();
}, 300_000);
afterAll(async () => {
  if (!any) return;
  await controller.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Every file with what matters of it, so that "leaves nothing" means nothing. */
const inventory = `find / -xdev \\( -path /proc -o -path /run -o -path /tmp -o -path /var/log -o -path /dev -o -path /sys -o -path /var/lib/systemd -o -path /var/cache \\) -prune -o -print | grep -Ev '^/etc/(passwd|group|shadow|gshadow|subuid|subgid)-$|\\.lock$|__pycache__' | sort; sort /etc/passwd /etc/group`;

describe.skipIf(unsupported.bare !== null)(
  `install.sh without an init system${unsupported.bare === null ? "" : ` (${unsupported.bare})`}`,
  () => {
    let machine: Machine;
    let untouched: string;
    beforeAll(async () => {
      machine = await bareMachine();
      untouched = (await machine.run(inventory)).output;
    }, 300_000);
    afterAll(() => machine.close());

    /** What came of a line: exit code, what it said, how it changed the machine, how many servers it made. */
    async function attempt(command: string) {
      const before = await serverCount();
      const { code, output } = await machine.run(command);
      const after = (await machine.run(inventory)).output;
      return { code, output, changed: after === untouched ? "nothing" : after, servers: (await serverCount()) - before };
    }
    const refusal = (code: number, words: RegExp) => ({
      code,
      output: expect.stringMatching(words) as string,
      changed: "nothing",
      servers: 0,
    });

    test("a proxy's address that a shell would take for a command", async () => {
      for (const settings of [
        "HTTPS_PROXY='http://u:$(touch /tmp/owned)@127.0.0.1:1'",
        "HTTPS_PROXY=http://p:1 NO_PROXY='a;touch /tmp/owned'",
      ])
        expect(await attempt((await line()).replace("| sh", `| ${settings} sh`))).toEqual(refusal(2, /HTTPS_PROXY and NO_PROXY may hold/));
    });

    test("a user devflow who is as good as root", async () => {
      const foreign = "groupadd docker && useradd --create-home --groups docker devflow; ";
      const { code, output } = await machine.run(foreign + (await line()));
      expect({ code, output }).toEqual({
        code: 10,
        output: expect.stringMatching(/in the group docker, which is as good as root/) as string,
      });
      // It was here before, so removing the agent leaves it.
      expect(
        (await machine.run(`${uninstall.replace("PORT", String(enrolPort))}; id -un devflow; userdel --remove devflow; groupdel docker`))
          .output,
      ).toMatch(/^devflow$/m);
      expect((await machine.run(inventory)).output).toBe(untouched);
    });

    test("no root", async () => {
      expect(await attempt((await line()).replace("| sh", "| setpriv --reuid nobody --regid nogroup --clear-groups sh"))).toEqual(
        refusal(3, /root is needed/),
      );
    });

    test("unsupported systems and processors", async () => {
      const fake = (script: string) =>
        `mkdir /tmp/fake; printf '#!/bin/sh\\n${script}\\n' >/tmp/fake/uname; chmod 755 /tmp/fake/uname; PATH=/tmp/fake:$PATH; `;
      expect(await attempt(fake('[ "$1" = -s ] && echo FreeBSD || echo amd64') + (await line()))).toEqual(
        refusal(4, /this is FreeBSD; the agent runs on Linux/),
      );
      expect(await attempt(`rm -r /tmp/fake; ${fake('[ "$1" = -s ] && echo Linux || echo mips')}${await line()}`)).toEqual(
        refusal(4, /this processor is mips/),
      );
    });

    test("a missing tool is named", async () => {
      const without =
        "mkdir /tmp/few; for t in sh id uname sed grep curl mktemp gzip tr cat getconf rm; do ln -s $(command -v $t) /tmp/few/; done; ";
      expect(await attempt(`${without}${(await line()).replace("| sh", "| PATH=/tmp/few sh")}`)).toEqual(
        refusal(5, /sha256sum is missing/),
      );
    });

    test("wrong, unknown, used, expired and revoked tokens", async () => {
      const { ctx } = controller;
      const other = (token: string, command: string) => command.replace(/--token \S+/, `--token ${token}`);
      expect(await attempt(other("dfe_x", await line()))).toEqual(refusal(8, /no enrolment token/));
      expect(await attempt((await line()).replace(/--token \S+/, ""))).toEqual(refusal(2, /--token is missing/));
      expect(await attempt(other(`dfe_${"x".repeat(43)}`, await line()))).toEqual(refusal(8, /does not exist/));
      const spent = await line();
      await ctx.db.update(enrolmentTokens).set({ uses: 1 });
      expect(await attempt(spent)).toEqual(refusal(8, /was used 1 of 1 times/));
      const expired = await line();
      await ctx.db.update(enrolmentTokens).set({ expiresAt: new Date(Date.now() - 1000), uses: 0 });
      expect(await attempt(expired)).toEqual(refusal(8, /ended at/));
      const { command, token } = await createToken({
        ctx,
        principal: systemPrincipal(ctx.installation.defaultOrganizationId),
        input: { requestHost: null },
      });
      await revokeToken({ ctx, principal: systemPrincipal(ctx.installation.defaultOrganizationId), input: { tokenId: token.id } });
      expect(await attempt(command.replace("| sudo sh", "| sh"))).toEqual(refusal(8, /was revoked/));
    });

    test("a controller that cannot be reached", async () => {
      expect(await attempt(throughPort(await line(), 1))).toEqual(refusal(6, /cannot be reached/));
    });

    test("the CA of another controller: refused before the token is sent", async () => {
      expect(await attempt((await line()).replace(/--ca \S+/, `--ca ${"ab".repeat(32)}`))).toEqual(
        refusal(8, /does not have the fingerprint/),
      );
    });

    test("a man in the middle can neither hand out his script nor change what an honest one fetches", async () => {
      const man = await manInTheMiddle(enrolPort, (answer) =>
        Buffer.from(answer.toString("latin1").replaceAll("set -eu", "echo OWNED"), "latin1"),
      );
      // The line itself: curl refuses his key, the shell gets nothing to run.
      expect(await attempt(withHost(await line(), "127.0.0.1", man.port))).toEqual(refusal(0, /does not match pinned public key/));
      // Later: the script is honest, its downloads go through him.
      expect(await attempt(throughPort(await line(), man.port))).toEqual(refusal(7, /is not your controller/));
      expect(Buffer.concat(man.heard).toString("latin1")).not.toContain("dfe_");
      await man.close();
    });

    test("a damaged or changed bundle or runtime is not installed", async () => {
      const { privateKeyPem: key, certificateChainPem: cert } = await enrolmentCredentials(controller.ctx);
      for (const name of ["bundle.gz", "inventory.gz", "node.gz"]) {
        let damaged = 0;
        // Somebody with the controller's own key, or a broken cache: the hash is what is left.
        const man = await manInTheMiddle(
          enrolPort,
          (answer) => {
            const asked = Buffer.concat(man.heard).toString("latin1");
            if (answer.length > 4000 && asked.lastIndexOf(name) > asked.lastIndexOf("SHA256SUMS")) {
              damaged++;
              answer[answer.length - 5]! ^= 1;
            }
            return answer;
          },
          { key, cert },
        );
        expect(await attempt(throughPort(await line(), man.port))).toEqual(refusal(7, new RegExp(`${name} arrived damaged or changed`)));
        expect(damaged).toBeGreaterThan(0);
        await man.close();
      }
    });

    test("a step that fails in the middle takes back what came before it", async () => {
      const fake =
        "mkdir /tmp/broken; printf '#!/bin/sh\\nexit 1\\n' >/tmp/broken/useradd; chmod 755 /tmp/broken/useradd; PATH=/tmp/broken:$PATH; ";
      expect(await attempt(fake + (await line()))).toEqual(refusal(1, /fetching the agent/));
    });

    test("installs through a proxy, says how to run it, connects when run, and leaves nothing when removed", async () => {
      const proxy = await httpProxy();
      const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
      const done = await machine.run(withHost(await line(), "controller.example"), env);
      expect(done.output).toMatch(/neither systemd nor OpenRC/);
      expect(done.code).toBe(0);
      expect(new Set(proxy.heard.map(String))).toEqual(new Set([`controller.example:${enrolPort}`]));
      expect(
        (
          await machine.run(
            "stat -c '%a %U' /var/lib/devflow-agent /var/lib/devflow-agent/key.pem /etc/devflow/agent.env /etc/devflow/policy.json",
          )
        ).output,
      ).toBe("700 devflow\n600 devflow\n640 root\n644 root\n");

      const start =
        "set -a; . /etc/devflow/agent.env; set +a; setpriv --reuid devflow --regid devflow --clear-groups devflow-agent run >/tmp/agent.log 2>&1 & ";
      const wait = "for i in $(seq 60); do devflow-agent status >/tmp/status 2>&1 && break; sleep 0.5; done; cat /tmp/status";
      expect((await machine.run(`${start}${wait}`)).output).toMatch(/^Connected to controller\.example/);
      // What the agent starts for its inventory came along and runs as its user.
      const child =
        "cd /usr/local/lib/devflow/current && setpriv --reuid devflow --regid devflow --clear-groups ./node devflow-inventory.mjs";
      expect(JSON.parse((await machine.run(child)).output)).toMatchObject({ base: null });
      const removed = await machine.run(uninstall.replace("PORT", String(enrolPort)));
      expect(removed).toMatchObject({ code: 0 });
      expect((await machine.run(inventory)).output).toBe(untouched);
      expect((await machine.run("ps ax | grep -c '[d]evflow-agent.mjs'")).output.trim()).toBe("0");
      await proxy.close();
    });
  },
);

describe.skipIf(unsupported.systemd !== null)(
  `install.sh under systemd${unsupported.systemd === null ? "" : ` (${unsupported.systemd})`}`,
  () => {
    let machine: Machine;
    beforeAll(async () => void (machine = await bootedMachine("systemd")), 300_000);
    afterAll(() => machine.close());

    test("installs, connects, stays after a kill, twice is harmless, upgrades, and leaves nothing when removed", async () => {
      const untouched = (await machine.run(inventory)).output;
      const command = await line({}, "--monitor-only");
      const first = await machine.run(command);
      expect(first.output).toMatch(/connected to .* It is in the web UI now/);
      expect(first.code).toBe(0);
      expect((await machine.run("cat /etc/devflow/policy.json")).output).toBe('{ "preset": "monitor" }\n');
      const count = await serverCount();
      const agentFile = "cat /var/lib/devflow-agent/agent.json";
      const identity = (await machine.run(agentFile)).output;

      const user = await machine.run("systemctl show -P MainPID devflow-agent | xargs -I{} ps -o user= -p {}");
      expect(user.output.trim()).toBe("devflow");
      expect((await machine.run("systemd-analyze security --threshold=25 --no-pager devflow-agent >/dev/null")).code).toBe(0);

      await machine.run("kill -9 $(systemctl show -P MainPID devflow-agent)");
      expect(
        (await machine.run("for i in $(seq 40); do devflow-agent status >/tmp/s && break; sleep 0.5; done; cat /tmp/s")).output,
      ).toMatch(/^Connected/);

      // The same line, whose token is used up; another line; an upgrade: one server, one identity.
      for (const again of [command, await line(), command.replace(/--token \S+/, "--upgrade")]) {
        expect(await machine.run(again)).toMatchObject({ code: 0 });
        expect((await machine.run(agentFile)).output).toBe(identity);
      }
      expect(await serverCount()).toBe(count);
      expect((await machine.run("cat /etc/devflow/policy.json")).output).toBe('{ "preset": "monitor" }\n');

      expect(await machine.run(uninstall.replace("PORT", String(enrolPort)))).toMatchObject({ code: 0 });
      expect((await machine.run(inventory)).output).toBe(untouched);
      expect((await machine.run("systemctl cat devflow-agent")).code).not.toBe(0);
    }, 300_000);
  },
);

describe.skipIf(unsupported.openrc !== null)(
  `install.sh under OpenRC${unsupported.openrc === null ? "" : ` (${unsupported.openrc})`}`,
  () => {
    let machine: Machine;
    beforeAll(async () => void (machine = await bootedMachine("openrc")), 600_000);
    afterAll(() => machine?.close());

    const said = async (script: string, env?: Record<string, string>) => (await machine.run(script, env)).output;
    const service = (verb: string) => machine.run(`rc-service devflow-agent ${verb}`);
    const agentPid = async () => (await said("pgrep -u devflow -f devflow-agent.mjs")).trim();
    const connected = () => said("for i in $(seq 60); do devflow-agent status >/tmp/s 2>&1 && break; sleep 0.5; done; cat /tmp/s");
    const pidOnceChanged = async (from: string) =>
      (await said(`for i in $(seq 60); do pgrep -u devflow -f devflow-agent.mjs | grep -vx ${from} && break; sleep 0.5; done`)).trim();

    test("installs through a proxy, connects, obeys rc-service, stays after a kill, twice is harmless, leaves nothing when removed", async () => {
      const untouched = await said(inventory);
      const proxy = await httpProxy();
      const before = await serverCount();
      const command = withHost(await line(), "controller.example");
      const first = await machine.run(command, { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` });
      expect(first.output).toMatch(/connected to controller\.example as .* It is in the web UI now/);
      expect(first.code).toBe(0);
      expect(await serverCount()).toBe(before + 1);
      const agentFile = "cat /var/lib/devflow-agent/agent.json";
      const identity = await said(agentFile);

      const pid = await agentPid();
      expect(pid).toMatch(/^\d+$/);
      expect(await service("status")).toMatchObject({ code: 0, output: expect.stringMatching(/started/) as string });
      expect(await said("rc-status -C default")).toMatch(/devflow-agent +\[ +started/);
      expect(await said(`grep -E '^(Uid|Gid|Groups|Umask|NoNewPrivs|CapEff)' /proc/${pid}/status`)).toBe(await expectedStatus());
      expect(await said(`tr '\\0' '\\n' </proc/${pid}/environ | grep -E '^(HTTPS_PROXY|MALLOC_ARENA_MAX)=' | sort`)).toBe(
        `HTTPS_PROXY=http://127.0.0.1:${proxy.port}\nMALLOC_ARENA_MAX=1\n`,
      );
      expect(await said("stat -c '%a %U' /var/log/devflow-agent.log /etc/init.d/devflow-agent")).toBe("640 devflow\n755 root\n");

      // Its log is rotated while it runs, by the copy, and written on.
      const rotate = "yes 'a line of a log' | head -c 6000000 >>/var/log/devflow-agent.log; logrotate -s /tmp/rotated /etc/logrotate.conf";
      expect(await machine.run(`${rotate} 2>&1`)).toEqual({ code: 0, output: "" });
      expect(await said("stat -c '%n %U' /var/log/devflow-agent.log*; wc -c </var/log/devflow-agent.log")).toBe(
        "/var/log/devflow-agent.log devflow\n/var/log/devflow-agent.log.1.gz devflow\n0\n",
      );

      // What kills it is undone by the supervisor, what rc-service does is not.
      await machine.run(`kill -9 ${pid}`);
      const revived = await pidOnceChanged(pid);
      expect(revived).toMatch(/^\d+$/);
      expect(await connected()).toMatch(/^Connected to controller\.example/);
      expect(await said("grep -c . /var/log/devflow-agent.log")).toMatch(/^[1-9]/);
      expect(await service("restart")).toMatchObject({ code: 0 });
      expect(await agentPid()).not.toBe(revived);
      expect(await connected()).toMatch(/^Connected/);
      expect(await service("stop")).toMatchObject({ code: 0 });
      expect([await agentPid(), (await service("status")).code]).toEqual(["", 3]);
      // As at boot: what is in the runlevel is started.
      expect(await machine.run("openrc default")).toMatchObject({ code: 0 });
      expect(await connected()).toMatch(/^Connected/);

      // The same line, whose token is used up; an upgrade: one server, one identity.
      for (const again of [command, command.replace(/--token \S+/, "--upgrade")]) {
        expect(await machine.run(again, { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` })).toMatchObject({ code: 0 });
        expect(await said(agentFile)).toBe(identity);
      }
      expect(await serverCount()).toBe(before + 1);

      expect(await machine.run(uninstall.replace("PORT", String(enrolPort)))).toMatchObject({ code: 0 });
      expect(await said("pgrep -fa '[d]evflow'; ls /var/log | grep '[d]evflow'")).toBe("");
      expect((await service("status")).code).not.toBe(0);
      expect(await said(inventory)).toBe(untouched);
      await proxy.close();
    }, 300_000);

    /** The agent's user alone, no capability, files for nobody else. */
    async function expectedStatus(): Promise<string> {
      const [uid, gid] = (await said("id -u devflow; id -g devflow")).trim().split("\n");
      const four = (id: string | undefined) => [id, id, id, id].join("\t");
      return `Umask:\t0077\nUid:\t${four(uid)}\nGid:\t${four(gid)}\nGroups:\t${gid} \nCapEff:\t0000000000000000\nNoNewPrivs:\t1\n`;
    }
  },
);
