/** Symbols of the range decoder: how far the latents of a pass lie from their means, which are marked, and which escape. */

import { CorruptError } from "./errors.js";
import { MEAN_STEPS, SCALES } from "./formats.js";

/** @import { Plane } from "./entropy.js" */
/** @import { Heap, Take } from "./heap.js" */
/** @import { Table } from "./tables.js" */

const ESCAPE_BITS = 12;
const ESCAPE_LIMIT = 2 ** (2 * ESCAPE_BITS - 1);
const RARITY_BITS = 4;

/**
 * Reads the symbols of a pass and adds them to its means.
 *
 * @param {Heap} heap
 * @param {Table[]} tables of each scale index
 * @param {Plane} plane
 * @param {number} count positions
 * @param {number} channels
 * @param {number} means
 * @param {number} scales
 * @param {Take} take
 */
export function readSymbols(heap, tables, plane, count, channels, means, scales, take) {
  const { kernels } = heap;
  const { marks } = plane;
  heap.u8(marks, count).fill(0);
  if (plane.marked) {
    const rarity = digit(heap, RARITY_BITS);
    if (rarity && !kernels.marks(rarity, count, marks)) throw invalid();
  }
  const order = take(4 * count * channels);
  const found = take(4 * count * channels);
  const [counts, begins] = [take(4 * SCALES), take(4 * SCALES)];
  kernels.arrange(scales, marks, count, channels, plane.skipped, order, counts, begins);
  /** @type {number[]} places of means whose symbols are escapes */
  const escaped = [];
  let at = 0;
  for (let scale = 0; scale < SCALES; scale++) {
    const many = heap.i32(counts, SCALES)[scale];
    if (!many) continue;
    const { lefts, first, radius } = tables[scale];
    if (!kernels.symbols(many, lefts, first, found)) throw invalid();
    const symbols = heap.i32(found, many);
    for (let i = symbols.indexOf(2 * radius + 1); i >= 0; i = symbols.indexOf(2 * radius + 1, i + 1)) {
      escaped.push(heap.u32(order + 4 * at, many)[i]);
      symbols[i] = radius;
    }
    kernels.add(found, order + 4 * at, many, radius, means);
    at += many;
  }
  for (const place of escaped) {
    const high = digit(heap, ESCAPE_BITS);
    const value = high * 2 ** ESCAPE_BITS + digit(heap, ESCAPE_BITS) - ESCAPE_LIMIT;
    heap.i32(means, count * channels)[place] += MEAN_STEPS * value;
  }
}

/**
 * @param {Heap} heap
 * @param {number} bits
 */
function digit(heap, bits) {
  const found = heap.kernels.digit(bits);
  if (found < 0) throw invalid();
  return found;
}

function invalid() {
  return new CorruptError("coded latents: the bytes are not a valid code; the file is damaged");
}
