/** Rows of numbers in the heap: where each position lies. */

/** @import { Heap, Take } from "./heap.js" */

/** Positions next to each other, by how many bytes they are apart. */
export class Places {
  /**
   * @param {Heap} heap
   * @param {Take} take
   * @param {number} count
   */
  constructor(heap, take, count) {
    this.heap = heap;
    this.take = take;
    this.count = count;
    /** @type {Map<number, number>} */
    this.made = new Map();
  }

  /**
   * Where u32 (count) are, the offset of each position.
   *
   * @param {number} bytes
   */
  every(bytes) {
    const there = this.made.get(bytes);
    if (there) return there;
    const at = this.take(4 * this.count);
    this.heap.u32(at, this.count).forEach((_, p, offsets) => {
      offsets[p] = p * bytes;
    });
    this.made.set(bytes, at);
    return at;
  }
}

/**
 * Rows of which so many are kept: where each lies.
 *
 * @param {Take} take
 * @param {number} count
 * @param {number} bytes of a row
 */
export function ring(take, count, bytes) {
  const begin = take(count * bytes);
  return (/** @type {number} */ r) => begin + (r % count) * bytes;
}

/** @param {Heap} heap @param {Take} take @param {number} bytes */
export function cleared(heap, take, bytes) {
  const at = take(bytes);
  heap.u8(at, bytes).fill(0);
  return at;
}
