import { crc32 } from "node:zlib";

/**
 * One record of a segment file, little-endian:
 *   "DFR1" · u32 length of what follows the checksum · u32 CRC-32 of it · f64 sequence · f64 time_s · u8 flags · Batch
 * Flag 1: the clock was settled when the batch was recorded. The batch is a serialized devflow.metrics.v1.Batch.
 */
export interface SpoolRecord {
  readonly sequence: number;
  readonly timeS: number;
  readonly settled: boolean;
  readonly batch: Uint8Array;
}

const MAGIC = Buffer.from("DFR1", "latin1");
const HEADER_BYTES = 12;
const META_BYTES = 17;
/** Larger than a batch may be on the wire; a length above this is damage. */
const MAX_BYTES = 1_100_000;

export function encodeRecord(record: SpoolRecord): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + META_BYTES + record.batch.length);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(META_BYTES + record.batch.length, 4);
  bytes.writeDoubleLE(record.sequence, HEADER_BYTES);
  bytes.writeDoubleLE(record.timeS, HEADER_BYTES + 8);
  bytes[HEADER_BYTES + 16] = record.settled ? 1 : 0;
  bytes.set(record.batch, HEADER_BYTES + META_BYTES);
  bytes.writeUInt32LE(crc32(bytes.subarray(HEADER_BYTES)), 8);
  return bytes;
}

export interface Scan {
  /** In file order; `batch` is a view over the scanned bytes. */
  readonly records: SpoolRecord[];
  /** End of the last good record: what lies behind it was torn by a crash. */
  readonly goodBytes: number;
  /** Places between good records where bytes were damaged and skipped. */
  readonly damaged: number;
}

/** Reads a segment. Damage costs the records that it touches, never those behind it. */
export function scanRecords(bytes: Buffer): Scan {
  const records: SpoolRecord[] = [];
  let goodBytes = 0;
  let damaged = 0;
  let at = 0;
  while (at >= 0 && at + HEADER_BYTES + META_BYTES <= bytes.length) {
    const end = recordEnd(bytes, at);
    if (end === null) {
      at = bytes.indexOf(MAGIC, at + 1);
      continue;
    }
    if (at !== goodBytes) damaged++;
    records.push({
      sequence: bytes.readDoubleLE(at + HEADER_BYTES),
      timeS: bytes.readDoubleLE(at + HEADER_BYTES + 8),
      settled: bytes[at + HEADER_BYTES + 16] === 1,
      batch: bytes.subarray(at + HEADER_BYTES + META_BYTES, end),
    });
    goodBytes = at = end;
  }
  return { records, goodBytes, damaged };
}

/** Where the record at `at` ends; null when there is no good record. */
function recordEnd(bytes: Buffer, at: number): number | null {
  if (bytes.compare(MAGIC, 0, 4, at, at + 4) !== 0) return null;
  const length = bytes.readUInt32LE(at + 4);
  if (length < META_BYTES || length > MAX_BYTES) return null;
  const end = at + HEADER_BYTES + length;
  if (end > bytes.length) return null;
  return crc32(bytes.subarray(at + HEADER_BYTES, end)) === bytes.readUInt32LE(at + 8) ? end : null;
}
