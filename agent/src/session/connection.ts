import type { AuditCheckpoint } from "@devflow/proto/audit/v1/audit";
import type { Inventory } from "@devflow/proto/inventory/v1/inventory";
import type { LiveRequest } from "@devflow/proto/metrics/v1/metrics";
import type {
  ConnectRequest,
  ConnectResponse,
  Hello,
  HelloSchema,
  Ping,
  RenewCertificateResponse,
  Welcome,
} from "@devflow/proto/session/v1/session";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { status, type StatusObject } from "@grpc/grpc-js";
import type { Probe } from "./clock.ts";
import type { Channel } from "./dial.ts";
import { LiveStream } from "./live.ts";
import { outcomeOf, type Outcome } from "./outcome.ts";
import type { RenewalRequest } from "./renewal.ts";
import { Sender, type SenderParts } from "./sender.ts";

/** From dialling to Welcome. */
const WELCOME_MS = 20_000;
/** A draining gateway and a stopping agent wait so long for answers. */
const DRAIN_MS = 5_000;
const GOODBYE_MS = 2_000;
const REPORT_MS = 60_000;

export interface ConnectionParts {
  readonly channel: Channel;
  readonly hello: () => MessageInitShape<typeof HelloSchema>;
  readonly sender: SenderParts;
  /** Called before anything is sent after Hello. */
  readonly onWelcome: (welcome: Welcome, probe: Probe) => Promise<void>;
  readonly onPing: (probe: Probe, roundTripUs: number) => void;
  readonly onDrain: () => void;
  readonly onRenewed: (response: RenewCertificateResponse) => void;
  /** Tells what to answer; null: nothing. */
  readonly onCheckpoint: (checkpoint: AuditCheckpoint) => Promise<{ held: AuditCheckpoint[]; refused: string } | null>;
  readonly inventory: () => Inventory | null;
  /** What whoever begins to watch is shown first, oldest first. */
  readonly lastSeconds: () => Iterable<LiveRequest>;
}

/** One connection's life: dialling → hello → ready → draining. */
export class Connection {
  readonly #parts: ConnectionParts;
  readonly #stream: ReturnType<Channel["session"]>;
  readonly #end = Promise.withResolvers<Outcome>();
  readonly live: LiveStream;
  #sender: Sender | null = null;
  #over = false;
  #taking: Promise<void> = Promise.resolve();
  #helloAtMs = 0;
  #timers: NodeJS.Timeout[] = [];

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.live = new LiveStream(() => parts.channel.live(), parts.lastSeconds);
    this.#stream = parts.channel.session();
    this.#stream.on("data", (message: ConnectResponse) => {
      if (message.message.case === "ping") return this.#pong(message.message.value);
      // In order: LiveMode may follow while Welcome is still being written down.
      this.#taking = this.#taking
        .then(() => this.#take(message))
        .catch((error: unknown) =>
          this.#finish({ kind: "lost", message: `A message of the controller could not be handled: ${String(error)}` }),
        );
    });
    this.#stream.on("error", () => undefined); // "status" follows and tells the same
    this.#stream.on("status", (end: StatusObject) => this.#ended(end));
    this.#helloAtMs = parts.sender.steadyNow();
    this.#say({ message: { case: "hello", value: parts.hello() as Hello } });
    this.#timers.push(
      setTimeout(() => this.#ended({ code: status.DEADLINE_EXCEEDED, details: "Deadline: no answer to Hello within 20 s" }), WELCOME_MS),
    );
  }

  /** How it ended; never rejects. */
  get ended(): Promise<Outcome> {
    return this.#end.promise;
  }

  get ready(): boolean {
    return this.#sender !== null && !this.#over;
  }

  /** Whether Welcome came, even if the connection has ended since. */
  get welcomed(): boolean {
    return this.#sender !== null;
  }

  /** A batch was recorded. */
  wake(): void {
    this.#sender?.wake();
  }

  tellInventory(inventory: Inventory): void {
    if (this.ready) this.#say({ message: { case: "inventory", value: inventory } });
  }

  renew({ publicKey, proof }: RenewalRequest): void {
    this.#say({
      message: { case: "renewCertificate", value: { $typeName: "devflow.session.v1.RenewCertificateRequest", publicKey, proof } },
    });
  }

  /** Waits for what is in flight, then ends the connection. */
  async leave(outcome: Outcome, goodbye?: "stop"): Promise<void> {
    if (this.ready) {
      if (goodbye === undefined) this.#sender?.pause();
      else this.#sender?.wake();
      await this.#sender?.idle(goodbye === undefined ? DRAIN_MS : GOODBYE_MS);
      if (goodbye !== undefined)
        this.#say({ message: { case: "goodbye", value: { $typeName: "devflow.session.v1.Goodbye", reason: goodbye } } });
    }
    if (!this.#over) {
      // Ended from here, the stream closes when the gateway has read Goodbye.
      const closed = new Promise<void>((resolve) => this.#stream.once("status", () => resolve()));
      this.#stream.end();
      await Promise.race([closed, new Promise((resolve) => this.#timers.push(setTimeout(resolve, 500)))]);
    }
    this.#finish(outcome);
  }

  #say(message: Pick<ConnectRequest, "message">): void {
    if (!this.#over) this.#stream.write(message);
  }

  #pong({ id, wallTimeMs, previousRoundTripUs }: Ping): void {
    const receivedSteadyMs = this.#parts.sender.steadyNow();
    this.#say({ message: { case: "pong", value: { $typeName: "devflow.session.v1.Pong", id, wallTimeMs: BigInt(Date.now()) } } });
    const probe = {
      notBeforeSteadyMs: receivedSteadyMs - previousRoundTripUs / 1000,
      receivedSteadyMs,
      controllerWallMs: Number(wallTimeMs),
    };
    this.#parts.onPing(probe, previousRoundTripUs);
  }

  async #take({ message }: ConnectResponse): Promise<void> {
    const { onWelcome, onDrain, onRenewed } = this.#parts;
    const receivedSteadyMs = this.#parts.sender.steadyNow();
    switch (message.case) {
      case "welcome":
        if (this.#sender) throw new Error("expected one Welcome, found a second");
        await onWelcome(message.value, {
          notBeforeSteadyMs: this.#helloAtMs,
          receivedSteadyMs,
          controllerWallMs: Number(message.value.wallTimeMs),
        });
        if (!this.#over) this.#begin(message.value);
        if (message.value.auditCheckpoint) await this.#checkpoint(message.value.auditCheckpoint);
        return;
      case "auditCheckpoint":
        if (this.#sender) await this.#checkpoint(message.value);
        return;
      case "liveMode":
        if (this.#sender) this.live.set(message.value.on);
        return;
      case "renewCertificate":
        onRenewed(message.value);
        return;
      case "drain":
        onDrain();
        void this.leave({ kind: "drained", message: "The gateway is restarting", afterMs: message.value.reconnectAfterMs });
        return;
      default: // a message of a newer controller: not for this agent
    }
  }

  async #checkpoint(offered: AuditCheckpoint): Promise<void> {
    const report = await this.#parts.onCheckpoint(offered);
    if (report) this.#say({ message: { case: "auditReport", value: { $typeName: "devflow.audit.v1.AuditReport", ...report } } });
  }

  #begin(welcome: Welcome): void {
    for (const timer of this.#timers.splice(0)) clearTimeout(timer);
    const push = this.#parts.channel.push();
    push.on("error", () => undefined); // "status" follows and tells the same
    push.on("status", (end: StatusObject) => {
      // When the connection broke, the session's stream ends as well and knows the reason better.
      this.#timers.push(setTimeout(() => this.#ended(end), 100));
    });
    this.#sender = new Sender(this.#parts.sender, push, welcome.maxBatchesInFlight);
    const inventory = this.#parts.inventory();
    if (inventory) this.tellInventory(inventory);
    this.#report();
    this.#timers.push(setInterval(() => this.#report(), REPORT_MS));
    this.live.set(welcome.live);
    this.#sender.wake();
  }

  #report(): void {
    const { batches, bytes, oldestTimeS, dropped, error } = this.#parts.sender.spool.status;
    this.#say({
      message: {
        case: "spoolReport",
        value: {
          $typeName: "devflow.session.v1.SpoolReport",
          batches: BigInt(batches),
          bytes: BigInt(bytes),
          oldestTimeS: BigInt(oldestTimeS),
          dropped: BigInt(dropped),
          error,
        },
      },
    });
  }

  #ended(end: Pick<StatusObject, "code" | "details">): void {
    if (this.#over) return;
    const outcome = outcomeOf(end, this.#sender !== null);
    if (outcome.boundBroken) this.#suspect(end.details);
    this.#finish(outcome);
  }

  /** Something in flight broke a bound: it is sent alone next time, and given up when it was alone already. */
  #suspect(details: string): void {
    const { suspects, spool, tally } = this.#parts.sender;
    const inFlight = [...(this.#sender?.inFlight.keys() ?? [])];
    for (const sequence of inFlight) suspects.add(sequence);
    const [alone] = inFlight;
    if (inFlight.length !== 1 || alone === undefined) return;
    spool.settle(alone);
    suspects.delete(alone);
    tally.rejected++;
    tally.lastRejection = `the connection was ended because of it: ${details}`;
  }

  #finish(outcome: Outcome): void {
    if (this.#over) return;
    this.#over = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#sender?.close();
    this.live.set(false);
    this.#stream.cancel();
    this.#parts.channel.close();
    this.#end.resolve(outcome);
  }
}
