import { createHmac, randomBytes } from "node:crypto";
import type { Context } from "../../platform/context.ts";
import { openForOrganization, sealForOrganization } from "../../platform/crypto/index.ts";
import { secretPurpose } from "./secret-purpose.ts";

/** A signing secret as the Standard Webhooks specification writes it: https://github.com/standard-webhooks/standard-webhooks */
export const newSecret = (): string => `whsec_${randomBytes(32).toString("base64")}`;

/** Whose secret it is: sealed for one webhook it cannot be opened for another. */
interface Owner {
  readonly organizationId: string;
  readonly webhookId: string;
}

export const sealSecret = (ctx: Context, owner: Owner, secret: string): Promise<Buffer> =>
  sealForOrganization(ctx, owner.organizationId, secretPurpose(owner.webhookId), Buffer.from(secret));
export const openSecret = async (ctx: Context, owner: Owner, sealed: Uint8Array): Promise<string> =>
  (await openForOrganization(ctx, owner.organizationId, secretPurpose(owner.webhookId), sealed)).toString();

export interface Signed {
  readonly id: string;
  /** Seconds since 1970-01-01 UTC. */
  readonly timestamp: number;
  readonly body: string;
}

/** Value of webhook-signature: one for each secret, HMAC-SHA256 over "id.timestamp.body". */
export function sign({ id, timestamp, body }: Signed, secrets: readonly string[]): string {
  return secrets
    .map((secret) => {
      const key = Buffer.from(secret.slice("whsec_".length), "base64");
      return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
    })
    .join(" ");
}
