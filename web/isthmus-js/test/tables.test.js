/** Which tables a model may have, and whose they are. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelError } from "../src/errors.js";
import { FIRST_TRELLIS_SCALE, SCALES } from "../src/formats.js";
import { Heap } from "../src/heap.js";
import { packTables } from "../src/tables.js";

/** So many tables, of which each covers one symbol more on both sides than the one before. @param {number} count */
async function packed(count) {
  const flat = Array.from({ length: count }, (_, radius) => [2 * radius + 2, 2 ** 16 - 2 * radius - 1, ...Array(2 * radius + 1).fill(1)]);
  return packTables(await Heap.make(), Int32Array.from(flat.flat()));
}

/** @param {number} from @param {number} to */
function numbers(from, to) {
  return Array.from({ length: to - from }, (_, k) => from + k);
}

test("64 tables are those of the scale indices", async () => {
  const { plain, trellis } = await packed(SCALES);
  assert.deepEqual(plain.map(({ radius }) => radius), numbers(0, SCALES));
  assert.equal(trellis, undefined);
});

test("of 118 tables the last 54 are those of symbols of a trellis", async () => {
  const { plain, trellis } = await packed(118);
  assert.deepEqual(plain.map(({ radius }) => radius), numbers(0, SCALES));
  assert.deepEqual(trellis?.map(({ radius }) => radius), [...numbers(0, FIRST_TRELLIS_SCALE), ...numbers(SCALES, 118)]);
});

for (const count of [0, 63, 65, 117, 119]) {
  test(`${count} tables are refused`, async () => {
    await assert.rejects(packed(count), (error) => error instanceof ModelError && /expected 64, or 118/.test(error.message));
  });
}
