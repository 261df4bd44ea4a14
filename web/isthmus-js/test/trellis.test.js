/** What symbols of a trellis stand for: scripts/web_vectors.py wrote payloads of them, and what Python makes of these. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { CorruptError } from "../src/errors.js";
import { Heap } from "../src/heap.js";
import { SymbolReader } from "../src/symbols.js";
import { packTables } from "../src/tables.js";

/** @typedef {{scales: number[][], values: number[][]}} Pass of each position, channel by channel */
/** @typedef {{skipped: number, payload: string, passes: Pass[]}} Row */

/** @type {{tables: number[], rows: Row[]}} */
const { tables, rows } = JSON.parse(readFileSync(new URL("trellises.json", import.meta.url), "utf8"));

for (const { skipped, payload, passes } of rows) {
  test(`symbols of a trellis, ${skipped} scale indices skipped`, async () => {
    const heap = await Heap.make();
    heap.with((take) => {
      const own = packTables(heap, Int32Array.from(tables));
      const reader = new SymbolReader(heap, own, new Uint8Array(Buffer.from(payload, "base64")), take);
      for (const { scales, values } of passes) {
        const size = values.flat().length;
        const [means, indices] = [take(4 * size), take(size)];
        heap.i32(means, size).forEach((_, at, all) => (all[at] = at));
        heap.u8(indices, size).set(scales.flat());
        reader.addTo(means, indices, scales.length, scales[0].length);
        assert.deepEqual(Array.from(heap.i32(means, size)), values.flat().map((value, at) => value + at));
      }
      assert.ok(reader.isFinished());
    });
  });
}

test("symbols of a trellis need tables of their own", async () => {
  const heap = await Heap.make();
  const { plain } = packTables(heap, Int32Array.from(tables));
  for (const payload of rows.map((row) => new Uint8Array(Buffer.from(row.payload, "base64")))) {
    const read = () => heap.with((take) => new SymbolReader(heap, { plain, trellis: undefined }, payload, take));
    assert.throws(read, (error) => error instanceof CorruptError && /none of a trellis/.test(error.message));
  }
});
