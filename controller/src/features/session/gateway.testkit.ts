import type { Server } from "@devflow/api";
import { afterAll, afterEach, beforeAll } from "vitest";
import { roleAccess } from "../../platform/auth/index.ts";
import { users } from "../../platform/auth/schema.ts";
import type { Principal } from "../../platform/auth/index.ts";
import { createGateway, type RunningGateway } from "../../platform/rpc/index.ts";
import { type TestContext, testContext } from "../../testing/context.ts";
import { createToken, gatewayCredentials, identifyAgent } from "../enrolment/index.ts";
import { enrolAgent, type TestAgent } from "../enrolment/test-agent.ts";
import { metrics } from "../metrics/index.ts";
import { session } from "./index.ts";
import { type SimulatedAgent, simulatedAgent, type SimulatedAgentOptions } from "./simulated-agent.testkit.ts";

/** How far the controller's clock is ahead: the grace after a start, which is a test of its own, is over. */
export const aheadMs = 31_000;

/**
 * A gateway with session and metrics on a database of its own, for the tests of one file; after each test its agents
 * hang up.
 */
export function useGateway() {
  let ctx: TestContext;
  let gateway: RunningGateway;
  let port: number;
  let ahead = 0;
  const agents: SimulatedAgent[] = [];

  beforeAll(async () => {
    ctx = await testContext({ clock: { now: () => Date.now() + ahead } });
    await ctx.db.insert(users).values({ id: "u1", name: "Anna", email: "anna@example.com" });
    await metrics.start?.(ctx);
    gateway = await start();
    port = await gateway.listen("127.0.0.1", 0);
    ahead = aheadMs;
  });
  afterEach(() => {
    for (const agent of agents.splice(0)) agent.close();
  });
  afterAll(async () => {
    await gateway.drain(1000);
    await ctx.close();
  });

  /** One more gateway of the same installation. */
  async function start(): Promise<RunningGateway> {
    const identifier = identifyAgent(ctx);
    const made = createGateway({
      credentials: await gatewayCredentials(ctx),
      identify: (der) => identifier.identify(der),
      log: ctx.log,
      now: () => ctx.clock.now(),
    });
    for (const feature of [session, metrics]) feature.gateway?.(made, ctx);
    return made;
  }

  const principal = (): Principal => ({
    kind: "user",
    id: "u1",
    name: "anna@example.com",
    organizationId: ctx.installation.defaultOrganizationId,
    userId: null,
    access: roleAccess("admin", ctx.installation.defaultOrganizationId),
    address: null,
    requestId: "r",
  });

  async function enrolled(): Promise<TestAgent> {
    const { secret } = await createToken({ ctx, principal: principal(), input: { requestHost: null } });
    return enrolAgent(ctx, secret);
  }

  async function dial(agent: TestAgent, extra: Partial<SimulatedAgentOptions> = {}): Promise<SimulatedAgent> {
    const { caPem, name } = await gatewayCredentials(ctx);
    const made = simulatedAgent({
      port,
      keyPem: agent.keyPem,
      certificatePem: agent.certificatePem,
      caPem: caPem.join(""),
      gatewayName: name,
      ...extra,
    });
    agents.push(made);
    return made;
  }

  /** Enrolled, dialled, greeted and welcomed. */
  async function ready(agent: TestAgent, extra: Partial<SimulatedAgentOptions> = {}): Promise<SimulatedAgent> {
    const made = await dial(agent, extra);
    made.hello();
    await made.expect("welcome");
    return made;
  }

  async function serverOf(agent: TestAgent) {
    const [row] = await ctx.sql<ServerRow[]>`
      select s.*, a.server_id is not null as online from servers s left join agent_sessions a on a.server_id = s.id where s.id = ${agent.agentId}`;
    return row as ServerRow;
  }
  const warningsOf = async (agent: TestAgent): Promise<string[]> => (await serverOf(agent)).warnings.map((w) => w.code);

  /** Lets the controller's clock go on. */
  const advance = (ms: number): void => void (ahead += ms);

  return { port: () => port, advance, context: () => ctx, principal, startGateway: start, enrolled, dial, ready, serverOf, warningsOf };
}

interface ServerRow {
  readonly online: boolean;
  readonly warnings: Server["warnings"];
  readonly agent_version: string;
  readonly hostname: string;
  readonly monitor_only: boolean;
  readonly round_trip_ms: number | null;
  readonly server_no: number;
  readonly state_since: Date;
}

/** Start of the 10 seconds that run now, seconds since 1970. */
export const thisInterval = (): number => Math.floor(Date.now() / 10_000) * 10;
