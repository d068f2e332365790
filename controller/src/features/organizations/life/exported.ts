/** What a line of an export is about, and the table and columns that it comes from. What is not named here never leaves. */
export interface Exported {
  readonly type: string;
  readonly table: string;
  readonly columns: readonly string[];
  /** What orders the lines; default id. */
  readonly order?: string;
}

/** Tables with a column organization_id whose rows are exported, in the order in which somebody would put them back. */
export const exported: readonly Exported[] = [
  { type: "team", table: "teams", columns: ["id", "name", "description", "created_at"] },
  { type: "team-member", table: "team_members", columns: ["team_id", "user_id", "created_at"], order: "team_id, user_id" },
  { type: "role", table: "custom_roles", columns: ["id", "name", "description", "permissions", "created_at", "updated_at"] },
  {
    type: "service-account",
    table: "service_accounts",
    columns: ["id", "name", "description", "created_by", "created_at", "disabled_at"],
  },
  {
    type: "grant",
    table: "grants",
    columns: ["id", "principal_kind", "principal_id", "role", "role_id", "scope_kind", "scope_id", "created_by", "created_at"],
  },
  {
    type: "invitation",
    table: "invitations",
    columns: [
      "id",
      "email",
      "grants",
      "team_ids",
      "invited_by",
      "created_at",
      "expires_at",
      "mailed_at",
      "accepted_at",
      "accepted_by",
      "revoked_at",
    ],
  },
  {
    type: "api-token",
    table: "api_tokens",
    columns: ["id", "name", "prefix", "created_by", "service_account_id", "created_at", "expires_at", "last_used_at", "revoked_at"],
  },
  { type: "server-group", table: "server_groups", columns: ["id", "name", "description", "team_id", "created_at", "updated_at"] },
  { type: "tag", table: "tags", columns: ["name", "color", "description", "created_at"], order: "name" },
  { type: "saved-view", table: "saved_views", columns: ["id", "user_id", "name", "shared", "query", "created_at"] },
  {
    type: "enrolment-token",
    table: "enrolment_tokens",
    columns: [
      "id",
      "name",
      "prefix",
      "max_uses",
      "uses",
      "group_id",
      "tags",
      "replaces_server_id",
      "created_by",
      "created_at",
      "expires_at",
      "revoked_at",
    ],
  },
  {
    type: "server",
    table: "servers",
    columns: [
      "id",
      "name",
      "hostname",
      "tags",
      "group_id",
      "enrolled_at",
      "agent_version",
      "os_name",
      "monitor_only",
      "first_connected_at",
      "last_seen_at",
      "state_since",
      "quarantined_at",
      "revoked_at",
      "warnings",
    ],
  },
  {
    type: "server-identity",
    table: "agent_identities",
    columns: ["serial", "server_id", "token_id", "issued_at", "not_after", "revoked_at"],
    order: "serial",
  },
  { type: "inventory", table: "inventories", columns: ["server_id", "updated_at", "facts"], order: "server_id" },
  { type: "webhook", table: "webhooks", columns: ["id", "name", "types", "created_at", "updated_at", "disabled_at", "disabled_reason"] },
  {
    type: "event",
    table: "events",
    columns: [
      "sequence",
      "id",
      "at",
      "type",
      "actor_kind",
      "actor_id",
      "actor_name",
      "subject_kind",
      "subject_id",
      "subject_name",
      "group_id",
      "data",
    ],
    order: "sequence",
  },
  {
    type: "audit",
    table: "audit_log",
    columns: [
      "sequence",
      "at",
      "actor_kind",
      "actor_id",
      "actor_name",
      "address",
      "request_id",
      "action",
      "target_kind",
      "target_id",
      "outcome",
      "before",
      "after",
      "hash",
    ],
    order: "sequence",
  },
];

/** Tables with a column organization_id whose rows stay here, each with the reason. */
export const notExported: Readonly<Record<string, string>> = {
  memberships: "people are exported with their names",
  sessions: "they are their users', and their tokens are secrets",
  organization_keys: "keys",
  idempotency_keys: "answers of the last day, which may hold secrets",
  webhook_deliveries: "copies of events with answers of other programs",
  default_views: "what single people look at first",
  audit_ends: "signed for this installation; the audit log has an export of its own",
  audit_contradictions: "about this installation's copy of the log",
  audit_restores: "about this installation's database",
  audit_checkpoints: "signed for this installation; the audit log has an export of its own",
  cli_logins: "sign-ins that are under way",
};
