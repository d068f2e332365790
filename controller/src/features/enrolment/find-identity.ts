import { arrayLiteral, type Sql } from "../../platform/db/index.ts";

/** An issued certificate with the server that it is of. */
export interface IdentityRow {
  readonly serial: string;
  readonly serverId: string;
  readonly serverNo: number;
  readonly organizationId: string;
  readonly keySha256: string;
  readonly identityRevokedAt: Date | null;
  readonly serverRevokedAt: Date | null;
  readonly quarantinedAt: Date | null;
}

/** Finds an identity by the certificate's serial number (hexadecimal, lower case); undefined: never issued. */
export type FindIdentity = (serial: string) => Promise<IdentityRow | undefined>;

/**
 * Looks identities up by one query at a time for all that asked meanwhile: when a fleet comes back, thousands ask
 * within seconds.
 */
export function createFindIdentity(sql: Sql): FindIdentity {
  let asked: { serial: string; resolve: (row: IdentityRow | undefined) => void; reject: (error: unknown) => void }[] = [];
  let asking = false;

  const ask = async (): Promise<void> => {
    asking = true;
    while (asked.length > 0) {
      const turn = asked;
      asked = [];
      try {
        const rows = await sql<IdentityRow[]>`
          select i.serial, s.id as "serverId", s.server_no as "serverNo", s.organization_id as "organizationId", i.key_sha256 as "keySha256",
            i.revoked_at as "identityRevokedAt", s.revoked_at as "serverRevokedAt", s.quarantined_at as "quarantinedAt"
          from agent_identities i join servers s on s.id = i.server_id
          where i.serial = any(${arrayLiteral(turn.map(({ serial }) => serial))}::text[])`;
        const found = new Map(rows.map((row) => [row.serial, row]));
        for (const { serial, resolve } of turn) resolve(found.get(serial));
      } catch (error) {
        for (const { reject } of turn) reject(error);
      }
    }
    asking = false;
  };

  return (serial) =>
    new Promise((resolve, reject) => {
      asked.push({ serial, resolve, reject });
      if (!asking) void ask();
    });
}
