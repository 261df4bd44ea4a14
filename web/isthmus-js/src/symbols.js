/** Symbols of the range decoder: how far the latents of a pass lie from their means, which are marked, and which escape. */

import { view } from "./bytes.js";
import { CorruptError } from "./errors.js";
import { FIRST_TRELLIS_SCALE, SCALES } from "./formats.js";

/** @import { Heap, Take } from "./heap.js" */
/** @import { Tables } from "./tables.js" */

const PREFIX_BYTES = 5;
/** What the byte for skipping says beside how many scale indices are skipped. */
const MARKED = 0x80;
const TRELLIS = 0x40;
const ESCAPE_BITS = 12;
const ESCAPE_LIMIT = 2 ** (2 * ESCAPE_BITS - 1);
const RARITY_BITS = 4;

/** Reads the symbols of a payload, pass by pass. */
export class SymbolReader {
  /**
   * @param {Heap} heap
   * @param {Tables} tables
   * @param {Uint8Array} payload
   * @param {Take} take
   */
  constructor(heap, tables, payload, take) {
    if (payload.length < PREFIX_BYTES) {
      throw new CorruptError("a payload is too short", { expected: `at least ${PREFIX_BYTES} bytes`, got: payload.length });
    }
    const bytes = payload.length - PREFIX_BYTES;
    if (bytes % 4) throw new CorruptError("coded latents", { expected: "a multiple of 4 bytes", got: bytes });
    const how = payload[PREFIX_BYTES - 1];
    const own = how & TRELLIS ? tables.trellis : tables.plain;
    if (!own) {
      throw new CorruptError("a payload's symbols", { expected: "none of a trellis, for which the model has no tables" });
    }
    this.heap = heap;
    this.tables = own;
    this.skipped = how & ~(MARKED | TRELLIS);
    this.marked = (how & MARKED) !== 0;
    /** The scale index from which on symbols are of a trellis. */
    this.first = how & TRELLIS ? FIRST_TRELLIS_SCALE : SCALES;
    /** The state of the trellis. */
    this.state = 0;
    /** CRC-32 of the latents that the payload decodes to. */
    this.crc = view(payload).getUint32(0, true);
    const words = take(bytes);
    heap.u8(words, bytes).set(payload.subarray(PREFIX_BYTES));
    heap.kernels.begin(words, bytes / 4);
  }

  /**
   * Reads the symbols of a pass and adds what they stand for to its means.
   *
   * @param {number} means i32 (count, channels), in sixteenths
   * @param {number} scales u8 (count, channels)
   * @param {number} count positions
   * @param {number} channels
   */
  addTo(means, scales, count, channels) {
    const { heap } = this;
    heap.with((take) => {
      const symbols = take(4 * count * channels);
      heap.i32(symbols, count * channels).fill(0);
      this.read(symbols, scales, count, channels, take);
      this.state = heap.kernels.dequantize(symbols, scales, count, channels, this.first, this.state, means);
    });
  }

  /**
   * @param {number} symbols where they go: i32 (count, channels), zeros
   * @param {number} scales
   * @param {number} count
   * @param {number} channels
   * @param {Take} take
   */
  read(symbols, scales, count, channels, take) {
    const { heap } = this;
    const { kernels } = heap;
    const order = take(4 * count * channels);
    const found = take(4 * count * channels);
    const [counts, begins] = [take(4 * SCALES), take(4 * SCALES)];
    kernels.arrange(scales, this.marks(count, take), count, channels, this.skipped, order, counts, begins);
    /** @type {number[]} places of symbols that are escapes */
    const escaped = [];
    let at = 0;
    for (let scale = 0; scale < SCALES; scale++) {
      const many = heap.i32(counts, SCALES)[scale];
      if (!many) continue;
      const { lefts, first, radius } = this.tables[scale];
      if (!kernels.symbols(many, lefts, first, found)) throw invalid();
      const indices = heap.i32(found, many);
      for (let i = indices.indexOf(2 * radius + 1); i >= 0; i = indices.indexOf(2 * radius + 1, i + 1)) {
        escaped.push(heap.u32(order + 4 * at, many)[i]);
      }
      kernels.put(found, order + 4 * at, many, radius, symbols);
      at += many;
    }
    for (const place of escaped) {
      const high = this.digit(ESCAPE_BITS);
      heap.i32(symbols, count * channels)[place] = high * 2 ** ESCAPE_BITS + this.digit(ESCAPE_BITS) - ESCAPE_LIMIT;
    }
  }

  /**
   * Which positions of a pass are marked: u8 (count).
   *
   * @param {number} count
   * @param {Take} take
   */
  marks(count, take) {
    const marks = take(count);
    this.heap.u8(marks, count).fill(0);
    const rarity = this.marked ? this.digit(RARITY_BITS) : 0;
    if (rarity && !this.heap.kernels.marks(rarity, count, marks)) throw invalid();
    return marks;
  }

  /** @param {number} bits */
  digit(bits) {
    const found = this.heap.kernels.digit(bits);
    if (found < 0) throw invalid();
    return found;
  }

  /** Whether nothing is left to read. */
  isFinished() {
    return this.heap.kernels.finished();
  }
}

function invalid() {
  return new CorruptError("coded latents: the bytes are not a valid code; the file is damaged");
}
