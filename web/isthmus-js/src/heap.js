/** The kernels' memory: blocks of it, and views on them. */

import { PLAIN, RELAXED } from "../build/kernels.js";

/** @import { Kernels } from "./kernels.js" */

const PAGE = 65536;
const ALIGNMENT = 64;
/** Loops of SIMD may read beyond a block's end. */
const SLACK = 64;

/** @typedef {(bytes: number) => number} Take a block of so many bytes, for as long as some work takes */

export class Heap {
  /** @param {WebAssembly.Instance} instance */
  constructor(instance) {
    this.kernels = /** @type {Kernels} */ (/** @type {unknown} */ (instance.exports));
    this.memory = this.kernels.memory;
    const begin = Math.ceil((this.kernels.heap() + SLACK) / ALIGNMENT) * ALIGNMENT;
    this.memory.grow(Math.ceil(begin / PAGE) + 1);
    /** @type {{at: number, size: number}[]} in order of their places */
    this.free = [{ at: begin, size: this.memory.buffer.byteLength - begin }];
    /** @type {Map<number, number>} */
    this.sizes = new Map();
  }

  /** A heap with the fastest kernels that run here. */
  static async make() {
    const [plain, relaxed] = [PLAIN, RELAXED].map(decoded);
    const bytes = WebAssembly.validate(relaxed) ? relaxed : plain;
    return new Heap((await WebAssembly.instantiate(bytes, {})).instance);
  }

  /**
   * A block of so many bytes, not cleared.
   *
   * @param {number} bytes
   * @returns {number} where it begins
   */
  take(bytes) {
    const size = Math.ceil((bytes + SLACK) / ALIGNMENT) * ALIGNMENT;
    let index = this.free.findIndex((span) => span.size >= size);
    if (index < 0) {
      this.grow(size);
      index = this.free.length - 1;
    }
    const span = this.free[index];
    const at = span.at;
    if (span.size === size) this.free.splice(index, 1);
    else this.free[index] = { at: at + size, size: span.size - size };
    this.sizes.set(at, size);
    return at;
  }

  /** @param {number} size */
  grow(size) {
    const end = this.memory.buffer.byteLength;
    const last = this.free.at(-1);
    const there = last && last.at + last.size === end ? last.size : 0;
    const more = Math.ceil((size - there) / PAGE) * PAGE;
    this.memory.grow(more / PAGE);
    this.put(end, more);
  }

  /**
   * Gives a block back.
   *
   * @param {number} at
   */
  give(at) {
    const size = this.sizes.get(at);
    if (size === undefined) throw new Error(`no block at ${at}`);
    this.sizes.delete(at);
    this.put(at, size);
  }

  /**
   * @param {number} at
   * @param {number} size
   */
  put(at, size) {
    let index = this.free.findIndex((span) => span.at > at);
    if (index < 0) index = this.free.length;
    this.free.splice(index, 0, { at, size });
    for (const i of [index, index - 1]) {
      const [a, b] = [this.free[i], this.free[i + 1]];
      if (a && b && a.at + a.size === b.at) this.free.splice(i, 2, { at: a.at, size: a.size + b.size });
    }
  }

  /**
   * Does something with blocks that are given back after it, however it ends.
   *
   * @template T
   * @param {(take: Take) => T} work
   * @returns {T}
   */
  with(work) {
    /** @type {number[]} */
    const taken = [];
    try {
      return work((bytes) => {
        const at = this.take(bytes);
        taken.push(at);
        return at;
      });
    } finally {
      for (const at of taken) this.give(at);
    }
  }

  // Views hold until more memory is taken.

  /** @param {number} at @param {number} count */
  f32(at, count) {
    return new Float32Array(this.memory.buffer, at, count);
  }

  /** @param {number} at @param {number} count */
  i32(at, count) {
    return new Int32Array(this.memory.buffer, at, count);
  }

  /** @param {number} at @param {number} count */
  u32(at, count) {
    return new Uint32Array(this.memory.buffer, at, count);
  }

  /** @param {number} at @param {number} count */
  i16(at, count) {
    return new Int16Array(this.memory.buffer, at, count);
  }

  /** @param {number} at @param {number} count */
  u8(at, count) {
    return new Uint8Array(this.memory.buffer, at, count);
  }

  /**
   * Numbers that stay.
   *
   * @param {Float32Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Uint8Array} numbers
   * @returns {number} where they begin
   */
  keep(numbers) {
    const at = this.take(numbers.byteLength);
    this.u8(at, numbers.byteLength).set(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
    return at;
  }
}

/** @param {string} base64 */
function decoded(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
