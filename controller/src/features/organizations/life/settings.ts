import { organizationSettings as schema, type OrganizationSettings } from "@devflow/api";
import { writeAudit } from "../../../platform/audit/index.ts";
import type { Principal } from "../../../platform/auth/index.ts";
import type { Context } from "../../../platform/context.ts";
import { type Api, defineRoute } from "../../../platform/http/index.ts";
import { readSetting, writeSetting } from "../../../platform/settings/index.ts";

const key = "organizations";
const path = "/api/v1/settings/organizations";
const common = { path, permission: "installation.manage", tag: "settings", response: schema } as const;

export const organizationSettings = async (ctx: Parameters<typeof readSetting>[0]): Promise<OrganizationSettings> =>
  (await readSetting(ctx, key, schema))?.value ?? { creation: "administrators", deletionGraceDays: 7 };

async function putOrganizationSettings(ctx: Context, principal: Principal, input: OrganizationSettings): Promise<OrganizationSettings> {
  await ctx.db.transaction(async (tx) => {
    const before = await organizationSettings({ db: tx, masterKey: ctx.masterKey });
    await writeSetting(tx, ctx, key, input);
    await writeAudit(tx, principal, { action: "settings.update", targetKind: "setting", targetId: key, before, after: input });
  });
  return input;
}

/** Routes of what the installation settles about organisations. */
export function organizationSettingRoutes(api: Api, ctx: Context): void {
  const get = defineRoute({ ...common, method: "get", summary: "Who may make organisations, and how long a deletion waits" });
  const put = defineRoute({
    ...common,
    method: "put",
    summary: "Set who may make organisations, and how long a deletion waits",
    stepUp: true,
    body: schema,
  });
  api.route(get, () => organizationSettings(ctx));
  api.route(put, ({ principal, body }) => putOrganizationSettings(ctx, principal, body));
}
