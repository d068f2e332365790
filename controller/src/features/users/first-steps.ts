import { type FirstSteps, firstStepNames } from "@devflow/api";
import { AppError } from "@devflow/errors";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { userChoices } from "./schema.ts";

/** How far somebody is with the first steps, told from what is there. Throws AppError forbidden for programs. */
export async function readFirstSteps({ ctx, principal }: { ctx: Context; principal: Principal }): Promise<FirstSteps> {
  const userId = idOf(principal);
  const { organizationId } = principal;
  const [row] = await ctx.sql<[Record<(typeof firstStepNames)[number], boolean> & { away: boolean | null }]>`
    select
      exists (select 1 from servers where organization_id = ${organizationId}) as server,
      exists (select 1 from memberships where organization_id = ${organizationId} and user_id <> ${userId})
        or exists (select 1 from invitations where organization_id = ${organizationId})
        or exists (select 1 from settings where key = 'mail') as people,
      exists (select 1 from totp_factors where user_id = ${userId} and enabled_at is not null)
        or exists (select 1 from passkeys where user_id = ${userId}) as factor,
      exists (select 1 from api_tokens where organization_id = ${organizationId} and created_by = ${userId}) as automation,
      (select first_steps_away from user_choices where user_id = ${userId}) as away`;
  return { steps: firstStepNames.map((step) => ({ step, done: row[step] })), away: row.away };
}

/** Puts the first steps away for the caller on all pages and machines, or brings them back. */
export async function putFirstSteps({
  ctx,
  principal,
  input: { away },
}: {
  ctx: Context;
  principal: Principal;
  input: { away: boolean };
}): Promise<void> {
  await ctx.db
    .insert(userChoices)
    .values({ userId: idOf(principal), firstStepsAway: away })
    .onConflictDoUpdate({ target: userChoices.userId, set: { firstStepsAway: away } });
}

function idOf(principal: Principal): string {
  if (principal.kind !== "user") throw new AppError("forbidden", "This is a person's own: sign in instead of using an API token");
  return principal.id;
}
