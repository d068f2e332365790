import { z } from "zod";
import type { Context } from "../../../platform/context.ts";

/** What the installation's administrators settle about organisations; key "organizations" of the settings. */
export interface OrganizationSettings {
  /** Who may make organisations. Default administrators of the installation. */
  readonly creation: "administrators" | "everybody";
  /** Days between the decision to delete an organisation and its deletion. Default 7. */
  readonly deletionGraceDays: number;
}

const stored = z.object({
  creation: z.enum(["administrators", "everybody"]).default("administrators"),
  deletionGraceDays: z.int().min(1).max(365).default(7),
});

export async function organizationSettings({ sql }: Pick<Context, "sql">): Promise<OrganizationSettings> {
  const [row] = await sql<{ value: unknown }[]>`select value from settings where key = 'organizations'`;
  return stored.parse(row?.value ?? {});
}
