import {
  type ApiToken,
  type CreateApiToken,
  type CreateEnrolmentToken,
  type EnrolmentToken,
  type FirstSteps,
  firstStepNames,
  type FleetSummary,
  type Me,
  type MetricsResult,
  permissionsOf,
  type Role,
  type Server,
} from "@devflow/api";
import { familyByName } from "@devflow/catalogue";
import { historyAnswer } from "./history.ts";
import { marksAnswer, newMarks } from "./marks.ts";
import { current, instancesOf, inventoryOf, machine, valueAt, type Machine } from "./machines.ts";

export interface MockOptions {
  servers: number;
  setupNeeded: boolean;
  signedIn: boolean;
  role: Role;
}
export interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

const problem = (status: number, code: string, detail: string, errors?: { path: string; message: string }[]): Answer => ({
  status,
  body: { type: "about:blank", title: code, status, code, detail, requestId: "01JD7R2Q6K3V", ...(errors ? { errors } : {}) },
  headers: { "content-type": "application/problem+json" },
});

/** Everything the mock knows, and the answers that it gives. */
/** What the mock's tokens are beside their names and times. */
const heldBy = (role: Role) => ({
  role,
  grants: [{ role, roleName: role, scope: { kind: "organization" as const }, scopeName: "Everything" }],
  holder: { kind: "user" as const, id: "u1", name: "anna@example.com" },
  mine: true,
  mayRevoke: true,
  lastUsedAddress: null,
});

export class World {
  machines: Machine[] = [];
  tokens: ApiToken[] = [];
  enrolments: EnrolmentToken[] = [];
  readonly options: MockOptions;
  marks = newMarks();
  firstStepsAway: boolean | null = null;
  #byId = new Map<string, Machine>();

  constructor(options: MockOptions) {
    this.options = options;
    this.reset();
  }

  reset(): void {
    const now = Date.now();
    this.marks = newMarks();
    this.machines = Array.from({ length: this.options.servers }, (_, n) => machine(n, now));
    this.#byId = new Map(this.machines.map((m) => [m.server.id, m]));
    const iso = (days: number) => new Date(now + days * 86_400_000).toISOString();
    const id = (n: number) => `0b0e0000-0000-4000-8000-${String(n).padStart(12, "0")}`;
    this.tokens = [
      {
        id: id(1),
        name: "Grafana",
        prefix: "dft_8Kq2",
        ...heldBy("view"),
        createdAt: iso(-120),
        expiresAt: null,
        lastUsedAt: iso(-0.0001),
        revokedAt: null,
      },
      {
        id: id(2),
        name: "deploy from CI",
        prefix: "dft_x91M",
        ...heldBy("deploy"),
        createdAt: iso(-34),
        expiresAt: iso(56),
        lastUsedAt: iso(-0.2),
        revokedAt: null,
      },
      {
        id: id(3),
        name: "old script",
        prefix: "dft_Pq0a",
        ...heldBy("admin"),
        createdAt: iso(-400),
        expiresAt: iso(-35),
        lastUsedAt: iso(-41),
        revokedAt: null,
      },
    ];
    this.enrolments = [
      {
        id: id(11),
        name: "autoscaling group",
        prefix: "dfe_71ab",
        maxUses: 500,
        uses: 38,
        createdAt: iso(-20),
        expiresAt: iso(70),
        revokedAt: null,
        groupId: null,
        tags: [],
        serverIds: this.machines.slice(0, 5).map((m) => m.server.id),
      },
      {
        id: id(12),
        name: "rack 4",
        prefix: "dfe_Zk3w",
        maxUses: 12,
        uses: 12,
        createdAt: iso(-9),
        expiresAt: iso(-8),
        revokedAt: null,
        groupId: null,
        tags: [],
        serverIds: [],
      },
    ];
  }

  #firstSteps(): FirstSteps {
    const done = [this.machines.length > 0, false, false, this.tokens.length > 0];
    return { steps: firstStepNames.map((step, i) => ({ step, done: done[i]! })), away: this.firstStepsAway };
  }

  find = (id: string): Machine | undefined => this.#byId.get(id);

  /** A new machine connects, as if the line had been pasted. */
  connect(): Machine {
    const n = this.machines.length;
    const m = machine(n === 10 || n === 23 ? 1000 : n, Date.now());
    m.server = {
      ...m.server,
      id: crypto.randomUUID(),
      enrolledAt: new Date().toISOString(),
      stateSince: new Date().toISOString(),
      name: `new-${String(n + 1).padStart(2, "0")}`,
      tags: [],
    };
    m.sinceSeconds = Math.floor(Date.now() / 1000);
    this.machines.push(m);
    this.#byId.set(m.server.id, m);
    const token = this.enrolments[0];
    if (token) Object.assign(token, { uses: token.uses + 1, serverIds: [m.server.id, ...token.serverIds] });
    return m;
  }

  answer(method: string, url: URL, body: unknown): Answer {
    const path = url.pathname.replace(/^\/api\/v1/, "");
    const q = url.searchParams;
    if (path === "/setup" && method === "GET") return { status: 200, body: { needed: this.options.setupNeeded } };
    if (path === "/setup") {
      if ((body as { code: string }).code !== "demo")
        return problem(422, "invalid", "The code is wrong or was used. The controller prints a new link with `devflow admin setup-link`.", [
          { path: "code", message: "not the code that was printed" },
        ]);
      this.options.setupNeeded = false;
      this.options.signedIn = true;
      return { status: 201, body: this.#me() };
    }
    if (path === "/session/options") return { status: 200, body: { passwordReset: false, provider: null } };
    if (path === "/session" && method === "GET") return { status: 200, body: { me: this.options.signedIn ? this.#me() : null } };
    if (path === "/session" && method === "POST") {
      if ((body as { password: string }).password === "wrong") return problem(401, "unauthenticated", "E-mail or password is wrong.");
      this.options.signedIn = true;
      return { status: 200, body: this.#me() };
    }
    if (!this.options.signedIn) return problem(401, "unauthenticated", "Sign in first.");
    if (path === "/session") {
      this.options.signedIn = false;
      return { status: 204 };
    }
    if (path === "/me/password")
      return (body as { currentPassword: string }).currentPassword === "wrong"
        ? problem(422, "invalid", "The current password is wrong.", [{ path: "currentPassword", message: "not the current password" }])
        : { status: 204 };
    if (path === "/me/first-steps" && method === "GET") return { status: 200, body: this.#firstSteps() };
    if (path === "/me/first-steps") {
      this.firstStepsAway = (body as { away: boolean }).away;
      return { status: 204 };
    }
    if (path === "/me") return { status: 200, body: this.#me() };
    if (path === "/servers") return this.#list(q);
    if (path === "/servers/summary") return { status: 200, body: this.#summary() };
    if (path === "/servers/sparklines")
      return { status: 200, body: { items: (q.get("ids") ?? "").split(",").flatMap((id) => this.#sparkline(id)) } };
    const history = historyAnswer(this.machines, method, path, q);
    if (history) return history;
    const marked = marksAnswer(this.marks, this.machines, method, path, q, body);
    if (marked) return marked;
    if (path === "/tokens") return this.#tokens(method, body as CreateApiToken);
    if (path === "/enrolment-tokens") return this.#enrolment(method, body as CreateEnrolmentToken);
    const revoke = /^\/(tokens|enrolment-tokens)\/([^/]+)$/.exec(path);
    if (revoke && method === "DELETE") {
      const list: { id: string; revokedAt: string | null }[] = revoke[1] === "tokens" ? this.tokens : this.enrolments;
      const found = list.find((t) => t.id === revoke[2]);
      if (!found) return problem(404, "not_found", "There is no such token.");
      found.revokedAt = new Date().toISOString();
      return { status: 204 };
    }
    return this.#one(method, path, q, body);
  }

  #me(): Me {
    return {
      kind: "user",
      user: { id: "u1", name: "Mira Kovač", email: "mira@northwind.example", emailVerified: true },
      organization: { id: "00000000-0000-4000-8000-000000000001", name: "Northwind" },
      role: this.options.role,
      permissions: permissionsOf(this.options.role).map((permission) => ({ permission, everywhere: true, groupIds: [], teamIds: [] })),
      installationAdministrator: this.options.role === "owner",
      version: "0.1.0",
    };
  }

  #list(q: URLSearchParams): Answer {
    const now = Date.now();
    const from = Number(q.get("cursor") ?? 0);
    const limit = Number(q.get("limit") ?? 50);
    const items = this.machines.slice(from, from + limit).map((m) => current(m, now));
    return { status: 200, body: { items, nextCursor: from + limit < this.machines.length ? String(from + limit) : null } };
  }

  #summary(): FleetSummary {
    const all = this.machines.map((m) => current(m, Date.now()));
    const online = all.filter((s) => s.state === "online");
    const at = (list: number[], share: number): number | null =>
      list.toSorted((a, b) => a - b)[Math.floor((list.length - 1) * share)] ?? null;
    const cpu = online.flatMap((s) => s.latest?.cpuPercent ?? []);
    const memory = online.flatMap((s) =>
      s.latest?.memoryUsedBytes && s.latest.memoryTotalBytes ? (100 * s.latest.memoryUsedBytes) / s.latest.memoryTotalBytes : [],
    );
    const worst = online.reduce<Server | null>(
      (w, s) => ((s.latest?.diskUsedPercent ?? 0) > (w?.latest?.diskUsedPercent ?? 0) ? s : w),
      null,
    );
    return {
      total: all.length,
      online: online.length,
      offline: all.filter((s) => s.state === "offline").length,
      cpuMedianPercent: at(cpu, 0.5),
      cpuP95Percent: at(cpu, 0.95),
      memoryMedianPercent: at(memory, 0.5),
      memoryP95Percent: at(memory, 0.95),
      diskWorstPercent: worst?.latest?.diskUsedPercent ?? null,
      diskWorstServerId: worst?.id ?? null,
    };
  }

  #sparkline(id: string) {
    const m = this.find(id);
    if (!m || m.server.state === "pending") return [];
    const now = Math.floor(Date.now() / 60_000) * 60;
    const series = (measure: string, scale: number) =>
      Array.from({ length: 30 }, (_, i) => {
        const v = valueAt(m, "host", measure, "", now - (29 - i) * 60);
        return v === null ? null : Math.round(v * scale * 10) / 10;
      });
    return [{ serverId: id, cpu: series("cpu_busy", 1), memory: series("memory_used", 100 / m.memoryBytes) }];
  }

  #tokens(method: string, body: CreateApiToken): Answer {
    if (method === "GET") return { status: 200, body: { items: this.tokens, nextCursor: null } };
    const token: ApiToken = {
      id: crypto.randomUUID(),
      name: body.name,
      prefix: "dft_n3Wt",
      ...heldBy(body.role ?? "view"),
      createdAt: new Date().toISOString(),
      expiresAt: body.expiresInDays ? new Date(Date.now() + body.expiresInDays * 86_400_000).toISOString() : null,
      lastUsedAt: null,
      revokedAt: null,
    };
    this.tokens.unshift(token);
    return { status: 201, body: { token, secret: "dft_n3WtExampleOnlyNotASecret0000000000" } };
  }

  #enrolment(method: string, body: CreateEnrolmentToken): Answer {
    if (method === "GET") return { status: 200, body: { items: this.enrolments, nextCursor: null } };
    const token: EnrolmentToken = {
      id: crypto.randomUUID(),
      name: body.name ?? "from the browser",
      prefix: "dfe_q7Rr",
      maxUses: body.maxUses ?? 1,
      uses: 0,
      createdAt: new Date().toISOString(),
      expiresAt: new Date(Date.now() + (body.expiresInMinutes ?? 60) * 60_000).toISOString(),
      revokedAt: null,
      groupId: body.groupId ?? null,
      tags: body.tags ?? [],
      serverIds: [],
    };
    this.enrolments.unshift(token);
    const secret = "dfe_q7RrExampleOnlyNotASecret";
    return {
      status: 201,
      body: {
        token,
        secret,
        command: `curl -fsSLk --pinnedpubkey 'sha256//m9Q1J0e2cC7mUe0v3l2S0N5b5mT6mJ4p7q8r9s0t1u8=' https://10.20.0.5:8444/install.sh | sudo sh -s -- --token ${secret} --ca 3f9a1c77d0e84b12`,
        shortCommand: null,
      },
    };
  }

  #one(method: string, path: string, q: URLSearchParams, body: unknown): Answer {
    const match = /^\/servers\/([^/]+)(?:\/(inventory|metrics|revoke|release))?$/.exec(path);
    const m = match?.[1] ? this.find(match[1]) : undefined;
    if (!match || !m) return problem(404, "not_found", "There is no such server here. It may have been deleted.");
    if (match[2] === "inventory")
      return m.server.state === "pending"
        ? problem(404, "not_found", "Its inventory has not come yet.")
        : { status: 200, body: inventoryOf(m, Date.now()) };
    if (match[2] === "metrics") return this.#metrics(m, q);
    if (match[2] === "revoke") {
      m.server = { ...m.server, state: "revoked", stateSince: new Date().toISOString() };
      return { status: 200, body: m.server };
    }
    if (match[2] === "release") {
      if (m.server.state !== "quarantined")
        return problem(409, "conflict", `The server ${m.server.name} is not quarantined; nothing to release.`);
      m.server = { ...m.server, state: "online", stateSince: new Date().toISOString(), lastSeenAt: new Date().toISOString() };
      return { status: 200, body: current(m, Date.now()) };
    }
    if (method === "PATCH") {
      m.server = { ...m.server, ...(body as Partial<Server>) };
      return { status: 200, body: current(m, Date.now()) };
    }
    if (method === "DELETE") {
      this.machines = this.machines.filter((x) => x !== m);
      this.#byId.delete(m.server.id);
      return { status: 204 };
    }
    return { status: 200, body: current(m, Date.now()) };
  }

  #metrics(m: Machine, q: URLSearchParams): Answer {
    const from = Date.parse(q.get("from") ?? "") / 1000;
    const to = Date.parse(q.get("to") ?? "") / 1000;
    if (!(from < to)) return problem(422, "invalid", "`from` has to be before `to`.");
    const span = to - from;
    const tier = span <= 2 * 3600 ? "10s" : span <= 5 * 86_400 ? "1m" : "1h";
    const base = { "10s": 10, "1m": 60, "1h": 3600 }[tier];
    const step = Math.max(1, Math.ceil(span / base / Number(q.get("maxPoints") ?? 300))) * base;
    const times: number[] = [];
    for (let t = Math.floor(from / step) * step; t < to; t += step) times.push(t);
    const end = m.server.state === "online" ? Date.now() / 1000 : Date.parse(m.server.lastSeenAt ?? "1970-01-01") / 1000;
    const series: MetricsResult["series"] = (q.get("metrics") ?? "").split(",").flatMap((name) => {
      const [familyName = "", measureName = ""] = name.split(".");
      const family = familyByName(familyName);
      return (family?.measures ?? [])
        .filter((x) => measureName === "*" || x.name === measureName)
        .flatMap((measure) =>
          instancesOf(m, familyName).map((instance) => {
            const mean = times.map((t) => (t > end ? null : valueAt(m, familyName, measure.name, instance, t)));
            return {
              metric: `${familyName}.${measure.name}`,
              instance,
              unit: measure.unit,
              mean,
              max: measure.max
                ? mean.map((v) =>
                    v === null
                      ? null
                      : Math.min(
                          v * (measure.unit === "bytes" ? 1.006 : 1.28),
                          measure.unit === "percent" ? 100 : Number.POSITIVE_INFINITY,
                        ),
                  )
                : null,
            };
          }),
        );
    });
    return {
      status: 200,
      body: {
        serverId: m.server.id,
        from: new Date(from * 1000).toISOString(),
        to: new Date(to * 1000).toISOString(),
        stepSeconds: step,
        tier,
        times,
        series,
      } satisfies MetricsResult,
    };
  }
}
