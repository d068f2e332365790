import type { LiveServerMessage } from "@devflow/api";
import { familyById, MAX_STORED, readCells } from "@devflow/catalogue";
import type { FamilyRows, LiveRequest } from "@devflow/proto/metrics/v1/metrics";
import { checkInstanceName, MAX_ROWS_A_FAMILY } from "./ingest-bounds.ts";
import { rowShapeById, rowShapes } from "./row-shape.ts";

type Frame = Extract<LiveServerMessage, { type: "frame" }>;
type Row = Frame["rows"][number];

const MAX_AGE_MS = 180_000;
const MAX_AHEAD_MS = 60_000;
const cells = new Float64Array(MAX_ROWS_A_FAMILY * Math.max(...rowShapes.map((shape) => shape.columns.length)));

/**
 * Decodes one second of one server to natural units: each measure's mean column, in catalogue order.
 * Throws RangeError when a bound of the wire is broken.
 * @param nowMs the controller's clock; frames of more than 3 minutes before it or a minute after it are refused
 */
export function decodeFrame(serverId: string, request: LiveRequest, nowMs: number): Frame {
  const timeMs = Number(request.readAtMs);
  if (timeMs < nowMs - MAX_AGE_MS || timeMs > nowMs + MAX_AHEAD_MS)
    throw new RangeError(`expected a reading of the last 3 minutes, got one ${Math.round((nowMs - timeMs) / 1000)} s ago`);
  if (request.families.length > rowShapes.length)
    throw new RangeError(`expected at most ${rowShapes.length} families, got ${request.families.length}`);
  return { type: "frame", serverId, timeMs, rows: request.families.flatMap(decodeRows) };
}

function decodeRows(rows: FamilyRows): Row[] {
  const family = familyById(rows.family);
  const shape = rowShapeById(rows.family);
  if (family === undefined || shape === undefined) throw new RangeError(`expected a family of the catalogue, got ${rows.family}`);
  const { columns, instances } = rows;
  if (columns < 1 || columns > shape.columns.length)
    throw new RangeError(`expected 1 to ${shape.columns.length} columns of ${family.name}, got ${columns}`);
  if (instances.length > MAX_ROWS_A_FAMILY)
    throw new RangeError(`expected at most ${MAX_ROWS_A_FAMILY} rows of ${family.name}, got ${instances.length}`);
  const count = readCells(rows.cells, cells.subarray(0, columns * instances.length));
  if (count !== columns * instances.length)
    throw new RangeError(`expected ${columns * instances.length} cells of ${family.name}, got ${count}`);
  return instances.map((instance, row) => {
    const wrong = checkInstanceName(instance, shape.isHost);
    if (wrong !== null) throw new RangeError(`${family.name}: ${wrong}`);
    let column = row * columns;
    const end = column + columns;
    const values = family.measures.map((measure) => {
      const stored = column < end ? (cells[column] as number) : Number.NaN;
      column += measure.max ? 2 : 1;
      if (Number.isNaN(stored)) return null;
      if (stored < 0 || stored > MAX_STORED)
        throw new RangeError(`expected ${family.name}.${measure.name} of 0 or more, got ${stored} steps`);
      // Steps such as 0.01 leave noise in the last digits.
      return Math.round(stored * measure.step * 1000) / 1000;
    });
    return { family: family.name, instance, values };
  });
}
