import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "@devflow/errors";
import type { Context } from "../../platform/context.ts";
import type { Greeting } from "./greeting.ts";
import type { HoldSessions, SessionHeld } from "./hold-session.ts";
import type { AgentSession } from "./session-stream.ts";
import { setWarning } from "./set-warning.ts";

export interface AdmitSession {
  readonly session: AgentSession;
  readonly greeting: Greeting;
  readonly gatewayId: string;
  readonly hold: HoldSessions;
  /** Sessions of this gateway by server. */
  readonly sessions: ReadonlyMap<string, AgentSession>;
}

/** Keepalive ends a dead connection after 15 s at another gateway too. */
const REMOTE_TRIES = 9;
const REMOTE_WAIT_MS = 2_000;

/**
 * Lets an agent have its server's session. The same spool and boot simply came back: the newer connection wins.
 * Otherwise the machine was rebooted or reinstalled, if the older connection is dead, or cloned, if it answers.
 * Throws AppError forbidden for a clone, not_found when the server is gone.
 */
export async function admitSession({ ctx, input }: { ctx: Context; input: AdmitSession }): Promise<Extract<SessionHeld, { held: true }>> {
  const { session, greeting, gatewayId, hold, sessions } = input;
  const { address, identity } = session.connection;
  const { serverId } = identity;
  for (let tries = 1, takeOver = false; ; tries++) {
    const answer = await hold({ serverId, address, greeting, takeOver });
    if (answer === null) throw new AppError("forbidden", "the server was deleted; enrol it again or uninstall the agent");
    if (answer.held) return answer;
    const older = sessions.get(serverId);
    if (older !== undefined) {
      if (await older.probe()) return refuseClone(older);
      takeOver = true;
    } else if (answer.gatewayId === gatewayId) takeOver = true; // its connection closed; the row is about to go
    else if (tries >= REMOTE_TRIES) return refuseClone(null);
    else await sleep(REMOTE_WAIT_MS);
  }

  async function refuseClone(older: AgentSession | null): Promise<never> {
    if (older?.warnings) older.warnings.cloned(address);
    else {
      const message = `A second machine at ${address} uses this server's identity and was refused. If it is a copy of this one, enrol it with a token of its own; if not, revoke this server.`;
      await setWarning({ ctx, input: { serverId, organizationId: identity.organizationId, code: "cloned", message } });
    }
    throw new AppError(
      "forbidden",
      "cloned: another machine with this identity is connected. Enrol this one with a token of its own (install.sh --token …), or stop the other.",
    );
  }
}
