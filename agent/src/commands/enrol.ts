import { AppError } from "@devflow/errors";
import { features } from "../features.ts";
import { agentVersion } from "../version.ts";

export interface EnrolArguments {
  readonly host: string | undefined;
  readonly enrolPort: string | undefined;
  readonly ca: string | undefined;
  readonly token: string | undefined;
}

/** `devflow-agent enrol`. Throws AppError invalid for missing or wrong arguments, and what enrolment throws. */
export async function enrol(stateDir: string, given: EnrolArguments, say: (line: string) => void): Promise<number> {
  const { host, token } = given;
  if (host === undefined || !/^[A-Za-z0-9.:_-]{1,253}$/.test(host))
    throw new AppError("invalid", "--host: expected the controller's host name or address");
  if (token === undefined) throw new AppError("invalid", "--token is missing: give it, or set DEVFLOW_AGENT_TOKEN");
  const port = given.enrolPort ?? "8444";
  if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535)
    throw new AppError("invalid", `--enrol-port: expected a port, found ${JSON.stringify(port)}`);
  await features.enrolment.enrol({
    stateDir,
    controllerHost: host,
    enrolPort: Number(port),
    token,
    caSha256: given.ca ?? null,
    agentVersion,
    say,
  });
  return 0;
}
