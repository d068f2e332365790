import type {
  ApiToken,
  BulkResult,
  BulkUpdateServers,
  ChangePasswordRequest,
  CliLogin,
  ConfirmCliLogin,
  CreateApiToken,
  CreatedApiToken,
  CreatedEnrolmentToken,
  CreateEnrolmentToken,
  EnrolmentToken,
  FleetSummary,
  Inventory,
  Me,
  MetricsResult,
  Problem,
  Server,
  ServerPage,
  ServerSparklines,
  SessionState,
  SetupRequest,
  SetupState,
  SignInRequest,
  UpdateServer,
  SignInResult,
} from "@devflow/api";

/** A call that failed: the API's problem document, or "offline" when no answer came. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  readonly code: string;
  /** Names the request in the controller's log. */
  readonly requestId: string | null;
  /** Messages by field path. */
  readonly fields: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, requestId: string | null = null, fields: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.requestId = requestId;
    this.fields = fields;
  }
}

const v1 = "/api/v1";

type Query = Record<string, string | number | undefined>;
interface Call {
  readonly query?: Query;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

let unauthenticated: () => void = () => {};
/** Called once a session has ended: the next page is the sign-in. */
export const onUnauthenticated = (handler: () => void): void => void (unauthenticated = handler);

let confirmFirst: () => Promise<boolean> = () => Promise.resolve(false);
/** Called when the controller wants to know once more who is here; true: it does now, and the call is made again. */
export const onStepUp = (handler: () => Promise<boolean>): void => void (confirmFirst = handler);

/** Where a refusal means a wrong password, code or key, and no session has ended. */
const proofs = new Set(["session", "session/factor", "session/passkey", "session/oidc/complete"].map((path) => `${v1}/${path}`));

/** "/api/v1/servers" + {limit: 5} → "/api/v1/servers?limit=5"; undefined values are left out. */
export function address(path: string, query: Query = {}): string {
  const pairs = Object.entries(query).filter((entry): entry is [string, string | number] => entry[1] !== undefined);
  if (pairs.length === 0) return path;
  return `${path}?${pairs.map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll("%2C", ",").replaceAll("%3A", ":")}`).join("&")}`;
}

/** A random key; crypto.randomUUID exists on https and localhost only. */
function idempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

async function errorOf(response: Response): Promise<ApiError> {
  const requestId = response.headers.get("x-request-id");
  const body: unknown = await response.json().catch(() => null);
  const p = (typeof body === "object" && body !== null ? body : {}) as Partial<Problem> & { message?: string };
  const fields = Object.fromEntries((p.errors ?? []).map((e) => [e.path.replace(/^(body|json)\./, ""), e.message]));
  const message = p.detail ?? p.message ?? p.title ?? `The controller answered ${response.status} without saying why.`;
  return new ApiError(response.status, p.code ?? "unknown", message, p.requestId ?? requestId, fields);
}

/**
 * One call. Throws ApiError for every failure; AbortError when the caller's signal fired.
 * @param path starting with /api
 */
export async function call<T>(method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE", path: string, options: Call = {}): Promise<T> {
  const { query, body, signal } = options;
  const headers: Record<string, string> = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (method === "POST") headers["idempotency-key"] = idempotencyKey();
  let response: Response;
  try {
    response = await fetch(address(path, query), {
      method,
      headers,
      credentials: "same-origin",
      // What ends something arrives although the page is closed meanwhile.
      keepalive: method === "DELETE",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    // Whether a change arrived before the connection was lost cannot be known here.
    const next = method === "GET" ? "Look at the network between here and it." : "Look whether it was done before you do it again.";
    throw new ApiError(0, "offline", `The controller does not answer. ${next}`);
  }
  if (!response.ok) {
    const error = await errorOf(response);
    if (response.status === 401 && !proofs.has(path)) unauthenticated();
    if (error.code === "step_up_required" && (await confirmFirst())) return call(method, path, options);
    throw error;
  }
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

const s = encodeURIComponent;

export interface ServerQuery {
  cursor?: string;
  limit?: number;
  search?: string;
  sort?: string;
}
export interface MetricsRange {
  from: string;
  to: string;
  metrics: string;
  maxPoints?: number;
}
interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** Every page of a list, newest cursor last. */
export async function all<T>(path: string, signal?: AbortSignal, query: Query = {}): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page: Page<T> = await call("GET", path, { query: { ...query, limit: 500, cursor }, ...(signal ? { signal } : {}) });
    items.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return items;
}

/** The HTTP API, a function a route. */
export const api = {
  setupState: () => call<SetupState>("GET", `${v1}/setup`),
  setup: (body: SetupRequest) => call<Me>("POST", `${v1}/setup`, { body }),
  /** Who is signed in, null for a stranger; answers without a session too. */
  sessionState: () => call<SessionState>("GET", `${v1}/session`),
  signIn: (email: string, password: string) =>
    call<SignInResult>("POST", `${v1}/session`, { body: { email, password } satisfies SignInRequest }),
  signOut: () => call<unknown>("DELETE", `${v1}/session`),
  changePassword: (body: ChangePasswordRequest) => call<unknown>("POST", `${v1}/me/password`, { body }),
  me: () => call<Me>("GET", `${v1}/me`),
  summary: (signal?: AbortSignal) => call<FleetSummary>("GET", `${v1}/servers/summary`, signal ? { signal } : {}),
  servers: (query: ServerQuery, signal?: AbortSignal) =>
    call<ServerPage>("GET", `${v1}/servers`, { query: { ...query }, ...(signal ? { signal } : {}) }),
  sparklines: (ids: readonly string[], signal?: AbortSignal) =>
    call<ServerSparklines>("GET", `${v1}/servers/sparklines`, { query: { ids: ids.join(",") }, ...(signal ? { signal } : {}) }),
  server: (id: string, signal?: AbortSignal) => call<Server>("GET", `${v1}/servers/${s(id)}`, signal ? { signal } : {}),
  updateServer: (id: string, body: UpdateServer) => call<Server>("PATCH", `${v1}/servers/${s(id)}`, { body }),
  bulkUpdateServers: (body: BulkUpdateServers) => call<BulkResult>("POST", `${v1}/servers/bulk`, { body }),
  revokeServer: (id: string) => call<Server>("POST", `${v1}/servers/${s(id)}/revoke`),
  releaseServer: (id: string) => call<Server>("POST", `${v1}/servers/${s(id)}/release`),
  deleteServer: (id: string) => call<unknown>("DELETE", `${v1}/servers/${s(id)}`),
  inventory: (id: string, signal?: AbortSignal) => call<Inventory>("GET", `${v1}/servers/${s(id)}/inventory`, signal ? { signal } : {}),
  metrics: (id: string, query: MetricsRange, signal?: AbortSignal) =>
    call<MetricsResult>("GET", metricsPath(id), { query: { ...query }, ...(signal ? { signal } : {}) }),
  enrolmentTokens: (signal?: AbortSignal) => all<EnrolmentToken>(`${v1}/enrolment-tokens`, signal),
  createEnrolmentToken: (body: CreateEnrolmentToken) => call<CreatedEnrolmentToken>("POST", `${v1}/enrolment-tokens`, { body }),
  revokeEnrolmentToken: (id: string) => call<unknown>("DELETE", `${v1}/enrolment-tokens/${s(id)}`),
  tokens: (signal?: AbortSignal) => all<ApiToken>(`${v1}/tokens`, signal),
  createToken: (body: CreateApiToken) => call<CreatedApiToken>("POST", `${v1}/tokens`, { body }),
  cliLogin: (code: string) => call<CliLogin>("GET", `${v1}/cli-logins`, { query: { code } }),
  confirmCliLogin: (body: ConfirmCliLogin) => call<unknown>("POST", `${v1}/cli-logins/confirm`, { body }),
  denyCliLogin: (userCode: string) => call<unknown>("POST", `${v1}/cli-logins/deny`, { body: { userCode } }),
  revokeToken: (id: string) => call<unknown>("DELETE", `${v1}/tokens/${s(id)}`),
};

/** Path of a server's metrics. */
export const metricsPath = (id: string): string => `${v1}/servers/${s(id)}/metrics`;

/** A GET as a curl line to paste; the token stays a variable, so that it never gets into a shell history. */
export const asCurl = (origin: string, path: string): string =>
  `curl -fsS -H "Authorization: Bearer $DEVFLOW_TOKEN" '${origin}${path.replaceAll("'", "%27")}'`;
