import { DevFlowError } from "@devflow/client";
import { exitCodes, Failure } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

const exitOf: Partial<Record<DevFlowError["code"], number>> = {
  unauthenticated: exitCodes.notSignedIn,
  forbidden: exitCodes.forbidden,
  step_up_required: exitCodes.forbidden,
  not_found: exitCodes.notFound,
  unreachable: exitCodes.unreachable,
  not_devflow: exitCodes.unreachable,
  unavailable: exitCodes.unreachable,
  timeout: exitCodes.unreachable,
};

const hintOf: Partial<Record<DevFlowError["code"], string>> = {
  unauthenticated: "Sign in with: devflow login",
  unreachable: "Is the controller running, and is this its address? devflow contexts list",
  forbidden: "devflow whoami shows what this token may do",
  conflict: "Look at its present state, then try again",
  missed: "devflow events list shows what there is",
};

const hintFor = ({ code, url, retryAfterSeconds }: DevFlowError): string | null => {
  // Asked of sessions only: what the command line has made itself is a token, which is never asked.
  if (code === "step_up_required")
    return `Confirm that it is you at ${url ?? "the web UI"}/settings/profile, then run this again; or use an API token`;
  if (code === "rate_limited" && retryAfterSeconds !== null) return `Try again in ${retryAfterSeconds} s`;
  return hintOf[code] ?? null;
};

/** Says on stderr what went wrong and what to do; returns the exit code. With `json` as one object. */
export function reportError(error: unknown, terminal: Terminal, json: boolean): number {
  const { code, exitCode, hint, requestId, fields } = described(error);
  const message = error instanceof Error ? error.message : String(error);
  if (json) {
    terminal.err(`${JSON.stringify({ error: { code, message, requestId, fields } })}\n`);
    return exitCode;
  }
  const { style } = terminal;
  terminal.err(`${style.red("Error:")} ${message}\n`);
  for (const field of fields) if (!message.includes(field.message)) terminal.err(`  ${field.path}: ${field.message}\n`);
  if (hint !== null) terminal.err(`${hint}\n`);
  if (requestId !== null) terminal.err(style.dim(`Request ${requestId} in the controller's log\n`));
  return exitCode;
}

function described(error: unknown) {
  const nothing = { requestId: null, fields: [] as DevFlowError["fields"] };
  if (error instanceof Failure) return { ...nothing, code: error.code, exitCode: error.exitCode, hint: error.hint };
  if (error instanceof DevFlowError) {
    const { code, requestId, fields } = error;
    return { code, requestId, fields, exitCode: exitOf[code] ?? exitCodes.failure, hint: hintFor(error) };
  }
  return { ...nothing, code: "internal", exitCode: exitCodes.failure, hint: null };
}
