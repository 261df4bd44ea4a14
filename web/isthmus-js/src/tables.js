/** Probability tables: of each scale index, the cumulative counts of its symbols, as the range decoder takes them. */

import { ModelError } from "./errors.js";
import { FIRST_TRELLIS_SCALE, SCALES } from "./formats.js";

/** @import { Heap } from "./heap.js" */

const TOTAL = 1 << 16;
const MAX_RADIUS = 4096;
const PRECISION = 24;
const STEPS = 256;
/** Tables of a model that has those of symbols of a trellis beside the others. */
const WITH_TRELLIS = SCALES + SCALES - FIRST_TRELLIS_SCALE;

/** @typedef {{lefts: number, first: number, radius: number}} Table places in the heap; symbols are -radius to radius */
/** @typedef {{plain: Table[], trellis: Table[] | undefined}} Tables of each scale index, and the same where symbols are of a trellis */

/**
 * @param {Heap} heap
 * @param {Int32Array} packed of each table its length, then its counts
 * @returns {Tables}
 */
export function packTables(heap, packed) {
  /** @type {Table[]} */
  const tables = [];
  for (let at = 0; at < packed.length; ) {
    const length = packed[at];
    const counts = packed.subarray(at + 1, at + 1 + length);
    const fits = length >= 2 && length % 2 === 0 && length <= 2 * MAX_RADIUS + 2 && counts.length === length;
    if (!fits || counts.some((count) => count < 1) || counts.reduce((a, b) => a + b, 0) !== TOTAL) {
      throw new ModelError("the model file is inconsistent: a table of probabilities", { got: `${length} counts` });
    }
    tables.push(packTable(heap, counts));
    at += 1 + length;
  }
  if (tables.length !== SCALES && tables.length !== WITH_TRELLIS) {
    throw new ModelError("the tables", { expected: `${SCALES}, or ${WITH_TRELLIS} with those of a trellis`, got: tables.length });
  }
  const plain = tables.slice(0, SCALES);
  if (tables.length === SCALES) return { plain, trellis: undefined };
  return { plain, trellis: [...plain.slice(0, FIRST_TRELLIS_SCALE), ...tables.slice(SCALES)] };
}

/**
 * @param {Heap} heap
 * @param {Int32Array} counts
 * @returns {Table}
 */
function packTable(heap, counts) {
  const free = 2 ** PRECISION - counts.length;
  const lefts = new Uint32Array(counts.length + 1);
  let below = 0;
  // As constriction rounds: every symbol has one of 2 ** 24, and its share of the rest.
  counts.forEach((count, symbol) => {
    lefts[symbol] = Math.floor((below * free) / TOTAL) + symbol;
    below += count;
  });
  lefts[counts.length] = 2 ** PRECISION;
  const first = new Uint16Array(STEPS);
  for (let step = 0, symbol = 0; step < STEPS; step++) {
    while (lefts[symbol + 1] <= step * 2 ** (PRECISION - 8)) symbol++;
    first[step] = symbol;
  }
  return { lefts: heap.keep(lefts), first: heap.keep(first), radius: (counts.length - 2) / 2 };
}
