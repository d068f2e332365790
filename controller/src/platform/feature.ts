import type { Context } from "./context.ts";
import type { SealedColumn } from "./crypto/index.ts";
import type { Api } from "./http/index.ts";
import type { Jobs } from "./jobs/index.ts";
import type { Gateway } from "./rpc/index.ts";
import type { Stop } from "./stop.ts";

export type { Stop } from "./stop.ts";

/** What a feature gives to the process; features.ts lists all of them. */
export interface Feature {
  /** The noun, the same in every deployable. */
  readonly name: string;
  /** Columns of its tables that hold sealed secrets; rotations of keys seal them again. */
  readonly sealed?: readonly SealedColumn[];
  /** Adds HTTP routes (role "web"). */
  routes?(api: Api, ctx: Context): void;
  /** Adds gRPC services to the gateway (role "gateway"). */
  gateway?(gateway: Gateway, ctx: Context): void;
  /** Adds cron and queue handlers (role "worker"). */
  jobs?(jobs: Jobs, ctx: Context): void;
  /** Starts what lives as long as the process, before listeners open. */
  start?(ctx: Context): Promise<Stop | undefined>;
}
