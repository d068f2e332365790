import type { Logger } from "pino";
import { createMasterKey, type MasterKey } from "../crypto/master-key.ts";
import { arrayLiteral, type DatabaseTarget, databaseUnavailable, type Sql } from "../db/index.ts";
import type { Stop } from "../stop.ts";
import { counter } from "../observability/index.ts";
import type { ProcessBus } from "./process-bus.ts";
import { listen } from "./listen.ts";
import { createOutgoing } from "./outgoing.ts";
import { openPayload, sealPayload, travels } from "./payload.ts";

const channel = "devflow_bus";

export interface JoinDatabaseBus {
  readonly bus: ProcessBus;
  /** Sends; may go through a pooler. */
  readonly sql: Sql;
  /** Listens; the database itself. */
  readonly target: DatabaseTarget;
  readonly masterKey: MasterKey;
  readonly log: Logger;
  /** Default 10,000: how often a quiet connection is asked whether it lives. */
  readonly askEveryMs?: number;
}

/**
 * Connects this process's bus with those of all controllers on the same database, by LISTEN and NOTIFY. Emits
 * "bus.resumed" when events may have been missed. Throws Error when it cannot listen.
 * @returns what ends it, after the last events were sent
 */
export async function joinDatabaseBus({ bus, sql, target, masterKey, log, askEveryMs }: JoinDatabaseBus): Promise<Stop> {
  const key = createMasterKey(masterKey.derive("devflow.bus"));
  const sent = counter("devflow_bus_notifications_sent_total", "Notifications sent to other controllers");
  const received = counter("devflow_bus_notifications_received_total", "Notifications received from other controllers");
  const resumed = counter("devflow_bus_resumed_total", "Times that events of other controllers may have been missed");

  const missed = (): void => {
    resumed.inc();
    bus.emit("bus.resumed", {});
  };
  const outgoing = createOutgoing({
    async send(payloads, told) {
      const sealed = payloads.map((texts, at) => sealPayload(key, bus.id, texts, told && at === 0));
      await sql`select pg_notify(${channel}, p) from unnest(${arrayLiteral(sealed)}::text[]) as p`;
      sent.inc(sealed.length);
    },
    onFailed(error) {
      const away = databaseUnavailable(error);
      if (away !== undefined) log.debug({ scope: "bus", reason: away.message }, "events wait for the database");
      else log.error({ scope: "bus", err: error }, "other controllers could not be told; trying again");
    },
    onTooLarge: (name, bytes) =>
      log.error({ scope: "bus", name, bytes }, "an event is too large for other controllers; they read everything again"),
  });
  const hear = (text: string): void => {
    try {
      const payload = openPayload(key, bus.id, text);
      if (payload === null) return;
      received.inc();
      for (const [name, event] of payload.events) bus.receive(name, event, payload.origin);
      if (payload.missed) missed();
    } catch (error) {
      log.warn({ scope: "bus", err: error }, "a notification that no controller of this installation sent was ignored");
    }
  };
  const stopListening = await listen({
    target,
    channel,
    log,
    onPayload: hear,
    onResumed: missed,
    ...(askEveryMs !== undefined && { askEveryMs }),
  });
  const offEmit = bus.onEmit((name, event) => travels(name) && outgoing.add(name, event));
  return async () => {
    offEmit();
    await stopListening();
    await outgoing.close();
  };
}
