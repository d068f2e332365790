/** Seams between the agent's session and its features. */
import type { AuditCheckpoint } from "@devflow/proto/audit/v1/audit";
import type { Inventory } from "@devflow/proto/inventory/v1/inventory";
import type { FamilyRows } from "@devflow/proto/metrics/v1/metrics";

/**
 * One second as it was read, its own copy. Encoding it costs several times what reading it did, and is done for whoever
 * watches: mostly nobody.
 */
export interface SecondValues {
  /** Roughly what it holds of the memory. */
  readonly bytes: number;
  encode(): FamilyRows[];
}

/** Reads metrics when the recorder says so; keeps no clock of its own. */
export interface MetricSource {
  /**
   * Reads everything once, about every second, and adds it to the running interval. Counters become rates against
   * the previous read; the first read gives only levels. Throws what a part of it met; the other parts were read.
   */
  sample(): void | Promise<void>;
  /** The values of the last sample, for live frames; null before the first one. */
  latest(): SecondValues | null;
  /** Mean and maximum of the samples since the last call, and begins the next interval. `samples` is 0 when nothing was read. */
  takeInterval(): { readonly samples: number; readonly families: FamilyRows[] };
}

/** Tells what the machine is: once soon after the start, then whenever a part of it changed. */
export interface InventorySource {
  /**
   * Returns the function that stops watching.
   * @param onError a look failed; there will be others
   */
  watch(onChange: (inventory: Inventory) => void, onError: (error: unknown) => void): () => void;
}

/** Remembers where the controller's audit log ended, so that nobody can cut it or write it anew without a server knowing. */
export interface CheckpointKeeper {
  /** What the next greeting hands over, at most 3. */
  claims(): AuditCheckpoint[];
  /** Takes or refuses one, and tells what the controller is to hear of it: the newest one before it, and why not. Never rejects. */
  offered(checkpoint: AuditCheckpoint): Promise<{ readonly held: AuditCheckpoint[]; readonly refused: string }>;
  status(): CheckpointStatus;
}

export interface CheckpointStatus {
  readonly kept: number;
  /** Row of the log and when it was signed, RFC 3339. */
  readonly newest: { readonly sequence: number; readonly at: string } | null;
  readonly oldest: { readonly sequence: number; readonly at: string } | null;
  /** Why the last one that was offered was not taken; null when it was. */
  readonly refused: string | null;
}

/** Options of `devflow-agent enrol`; features/enrolment exports `enrol(options: EnrolOptions): Promise<void>`. */
export interface EnrolOptions {
  readonly stateDir: string;
  readonly controllerHost: string;
  /** Default 8444. */
  readonly enrolPort: number;
  /** "dfe_…"; from --token or DEVFLOW_AGENT_TOKEN. */
  readonly token: string;
  /** SHA-256 fingerprint of the CA certificate, hexadecimal, colons allowed; from --ca. Null: the system's own roots decide. */
  readonly caSha256: string | null;
  readonly agentVersion: string;
  /** Says a line to the person who enrols. */
  readonly say: (line: string) => void;
}

/** features/enrolment also exports `renewExpired(options: RenewExpiredOptions): Promise<void>`, which stages new credentials. */
export interface RenewExpiredOptions {
  readonly stateDir: string;
  readonly signal?: AbortSignal;
}
