import { isIP } from "node:net";
import { AppError } from "@devflow/errors";
import type { Context } from "../../../platform/context.ts";

/** Whom a passkey is for, as browsers bind it. */
export interface RelyingParty {
  /** Host name. */
  readonly id: string;
  readonly origin: string;
}

/**
 * From DEVFLOW_PUBLIC_URL; without one, localhost under the name that the browser uses (any other Host is a claim of
 * whoever asks). Throws AppError conflict where browsers have no passkeys: on addresses without a name, and on http
 * that is not localhost.
 */
export function relyingParty(ctx: Pick<Context, "config">, headers: Headers): RelyingParty {
  const { publicUrl, port } = ctx.config;
  const url = publicUrl ?? URL.parse(`http://${headers.get("host") ?? ""}`);
  const name = url?.hostname ?? "";
  const isLocal = name === "localhost" || name.endsWith(".localhost");
  if (url !== null && isIP(name.replace(/^\[|\]$/g, "")) === 0 && (isLocal || (publicUrl !== null && url.protocol === "https:")))
    return { id: name, origin: url.origin };
  throw new AppError(
    "conflict",
    publicUrl === null
      ? `Browsers bind passkeys to a host name: open DevFlow as http://localhost:${port}, or set DEVFLOW_PUBLIC_URL`
      : `Browsers have passkeys on https with a host name only, and DEVFLOW_PUBLIC_URL is ${publicUrl.origin}`,
  );
}
