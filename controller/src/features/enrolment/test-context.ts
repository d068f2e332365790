import { randomUUID } from "node:crypto";
import { users } from "../../platform/auth/schema.ts";
import { type Principal, roleAccess } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { installation } from "../../platform/db/schema.ts";
import { testContext as realContext } from "../../testing/context.ts";

/** A context on a database of its own, with a clock that tests move. */
export interface TestContext {
  readonly ctx: Context;
  readonly principal: Principal;
  /** Milliseconds since 1970; starts at the real time. */
  readonly clock: { nowMs: number };
  /** The same installation as another process would see it: nothing cached, and an epoch that was read again. */
  again(changes?: Partial<Context>): Promise<Context>;
  close(): Promise<void>;
}

export async function testContext(overrides: Parameters<typeof realContext>[0] = {}): Promise<TestContext> {
  const clock = { nowMs: Date.now() };
  const ctx = await realContext({ clock: { now: () => clock.nowMs }, ...overrides });
  await ctx.db.insert(users).values({ id: "u1", name: "Anna", email: "anna@example.com" });
  return {
    ctx,
    principal: {
      kind: "user",
      id: "u1",
      name: "anna@example.com",
      organizationId: ctx.installation.defaultOrganizationId,
      userId: "u1",
      access: roleAccess("admin", ctx.installation.defaultOrganizationId),
      address: "192.0.2.1",
      requestId: randomUUID(),
    },
    clock,
    again: async (changes = {}) => {
      const [row] = await ctx.db.select().from(installation);
      return { ...ctx, installation: { ...ctx.installation, epoch: row?.epoch ?? 0 }, ...changes };
    },
    close: () => ctx.close(),
  };
}
