import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readConfig } from "../../controller/src/config.ts";
import { createToken, enrolmentCredentials, revokeToken } from "../../controller/src/features/enrolment/index.ts";
import { systemPrincipal } from "../../controller/src/features/enrolment/system-principal.ts";
import { enrolmentTokens } from "../../controller/src/features/enrolment/schema.ts";
import { servers } from "../../controller/src/features/servers/schema.ts";
import { type Controller, startController } from "../../controller/src/main.ts";
import { assets } from "../../controller/src/platform/assets.ts";
import { bareMachine, cannotMake, type Machine, systemdMachine } from "./machine.ts";
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

const unsupported = { bare: cannotMake("bare"), systemd: cannotMake("systemd") };
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
    beforeAll(async () => void (machine = await systemdMachine()), 300_000);
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
    });
  },
);
