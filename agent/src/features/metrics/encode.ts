import { create } from "@bufbuild/protobuf";
import { CellWriter, columnsOf, type Family } from "@devflow/catalogue";
import { type FamilyRows, FamilyRowsSchema } from "@devflow/proto/metrics/v1/metrics";

const writer = new CellWriter(4096);
const columnCounts = new Map<Family, number>();

/** Number of columns of a family's row on the wire. */
function columnCount(family: Family): number {
  let count = columnCounts.get(family);
  if (count === undefined) columnCounts.set(family, (count = columnsOf(family).length));
  return count;
}

/**
 * Encodes rows. `mean` and `max` hold stored integers or NaN, one for each measure of each row; where a measure keeps
 * its maximum, that follows the mean.
 */
export function encodeRows(family: Family, instances: readonly string[], mean: Float64Array, max: Float64Array): FamilyRows {
  const { measures } = family;
  let at = 0;
  for (let row = 0; row < instances.length; row++) {
    for (const measure of measures) {
      const value = mean[at] as number;
      writer.write(Number.isNaN(value) ? null : value);
      if (measure.max) {
        const highest = max[at] as number;
        writer.write(Number.isNaN(highest) ? null : highest);
      }
      at++;
    }
  }
  return create(FamilyRowsSchema, { family: family.id, columns: columnCount(family), instances: [...instances], cells: writer.take() });
}
