import { RejectionReason, type FamilyRows } from "@devflow/proto/metrics/v1/metrics";
import { type BatchRejection, reject } from "./ingest-bounds.ts";
import { type CopyBuffer, writeBigint, writeTime } from "./copy-buffer.ts";
import type { RowShape } from "./row-shape.ts";

/** Sees each row's stored values (NaN: not measured) right after it was encoded; `values` is used again for the next. */
export type RowVisitor = (shape: RowShape, instance: string, values: Float64Array) => void;

/** Who and when the rows are of. */
export interface RowOwner {
  readonly serverNo: number;
  readonly timeS: number;
  readonly samples: number;
}

const values = new Float64Array(256);

/**
 * Decodes wire cells straight into binary COPY rows: one pass, nothing allocated.
 * @param instanceNos the number of each of `rows.instances`
 * @returns why the rows cannot be stored, or null. On a rejection `out` may hold a part of them: set its length back.
 */
export function encodeRows(
  rows: FamilyRows,
  shape: RowShape,
  owner: RowOwner,
  instanceNos: Int32Array,
  out: CopyBuffer,
  visit: RowVisitor | null,
): BatchRejection | null {
  const { cells, columns } = rows;
  const all = shape.columns.length;
  const end = cells.length;
  const count = rows.instances.length;
  let at = 0;
  for (let row = 0; row < count; row++) {
    out.reserve(shape.maxRowBytes);
    const { view } = out;
    let to = out.length;
    view.setInt16(to, 4 + all);
    view.setInt32(to + 2, 4);
    view.setInt32(to + 6, owner.serverNo);
    view.setInt32(to + 10, 4);
    view.setInt32(to + 14, instanceNos[row] as number);
    writeTime(view, to + 18, owner.timeS);
    view.setInt32(to + 30, 2);
    view.setInt16(to + 34, owner.samples);
    to += 36;
    for (let column = 0; column < columns; column++) {
      if (at >= end)
        return reject(
          RejectionReason.MALFORMED,
          `expected ${count * columns} cells of ${shape.family.name}, but they end in row ${row + 1}`,
        );
      let byte = cells[at++] as number;
      let n = byte & 0x7f;
      if (byte >= 0x80) {
        let factor = 0x80;
        do {
          if (at >= end || factor > 2 ** 49)
            return reject(RejectionReason.MALFORMED, `a cell of ${shape.family.name} ends inside a varint or is longer than 8 bytes`);
          byte = cells[at++] as number;
          n += (byte & 0x7f) * factor;
          factor *= 0x80;
        } while (byte >= 0x80);
      }
      if (n === 0) {
        values[column] = Number.NaN;
        view.setInt32(to, -1);
        to += 4;
        continue;
      }
      // zigzag(value) + 1: odd for values of 0 and more, even for negative ones, which no measure has.
      const value = (n - 1) / 2;
      if (n % 2 === 0 || value > (shape.limit[column] as number)) {
        return reject(
          RejectionReason.OUT_OF_RANGE,
          `expected ${shape.family.name}.${shape.columns[column]} from 0 to ${shape.limit[column]} steps, got ${n % 2 === 0 ? -n / 2 : value}`,
        );
      }
      values[column] = value;
      if (shape.wide[column] === 1) {
        writeBigint(view, to, value);
        to += 12;
      } else {
        view.setInt32(to, 4);
        view.setInt32(to + 4, value);
        to += 8;
      }
    }
    for (let column = columns; column < all; column++) {
      values[column] = Number.NaN;
      view.setInt32(to, -1);
      to += 4;
    }
    out.length = to;
    if (visit !== null) visit(shape, rows.instances[row] as string, values);
  }
  return at === end
    ? null
    : reject(RejectionReason.MALFORMED, `expected ${count * columns} cells of ${shape.family.name}, but ${end - at} bytes are left`);
}
