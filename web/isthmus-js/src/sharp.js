/** The sharp layer: pixels shown instead of the networks', by blocks. docs/format.md, "Sharp layer". */

import { asAvif } from "./av1.js";
import { hex } from "./bytes.js";
import { CorruptError, MissingExtraError } from "./errors.js";
import { BLOCK, blocksOf, meets, shared } from "./grid.js";
import { inflate } from "./inflate.js";
import { decodeSamples } from "./samples.js";

/** @import { Box, Grid } from "./grid.js" */

const NOWHERE = 0;
const EVERYWHERE = 1;
const SOMEWHERE = 2;
const AV1 = 3;

/** @typedef {(file: Uint8Array, width: number, height: number) => Promise<Uint8Array>} DecodeAvif pixels (h, w, 3) */
/** @typedef {{mask: Uint8Array, rows: number, columns: number, rest: Uint8Array}} Place where a tile's layer shows, by blocks */

/**
 * Where the layer of a tile shows, and the payload's bytes after that.
 *
 * @param {Uint8Array} payload
 * @param {number} height
 * @param {number} width
 * @returns {Place}
 */
function placeOf(payload, height, width) {
  const [rows, columns] = [Math.ceil(height / BLOCK), Math.ceil(width / BLOCK)];
  const rest = payload.subarray(1);
  if (payload[0] === SOMEWHERE) {
    const count = rows * columns;
    const size = Math.ceil(count / 8);
    const { bytes, ended, used, problem } = inflate(rest, size, -15);
    if (problem) throw new CorruptError("a mask cannot be inflated", { got: problem });
    if (bytes.length !== size || !ended) {
      throw new CorruptError("a mask has the wrong size", { expected: `${size} bytes`, got: bytes.length });
    }
    const bits = Uint8Array.from({ length: 8 * size }, (_, i) => (bytes[i >> 3] >> (7 - (i & 7))) & 1);
    if (bits.subarray(count).includes(1)) throw new CorruptError("a mask is longer than its tile", { expected: count });
    return { mask: bits.subarray(0, count), rows, columns, rest: rest.subarray(used) };
  }
  const shown = payload[0] === EVERYWHERE;
  if (!shown && !(payload[0] === NOWHERE && payload.length === 1)) {
    throw new CorruptError("a sharp payload is of no known kind", { got: hex(payload.subarray(0, 8)) });
  }
  return { mask: new Uint8Array(rows * columns).fill(shown ? 1 : 0), rows, columns, rest };
}

export class SharpLayer {
  /**
   * @param {Uint8Array[]} payloads
   * @param {Grid} grid
   * @param {DecodeAvif | undefined} decodeAvif
   */
  constructor(payloads, grid, decodeAvif) {
    this.grid = grid;
    this.decodeAvif = decodeAvif;
    this.places = payloads.map((payload, index) => {
      const { height, width } = grid.tileBox(index);
      return placeOf(payload, height, width);
    });
    /** Whether nothing else shows. */
    this.isEverywhere = this.places.every(({ mask }) => !mask.includes(0));
  }

  /**
   * Puts what shows over the pixels (h, w, 3) of a box.
   *
   * @param {Uint8Array} pixels
   * @param {Box} place
   */
  async show(pixels, place) {
    for (const [index, { mask, columns }] of this.places.entries()) {
      const tile = this.grid.tileBox(index);
      if (!mask.includes(1) || !meets(tile, place)) continue;
      const own = await this.pixels(index);
      const both = shared(tile, place);
      for (let y = both.top; y < both.top + both.height; y++) {
        for (let x = both.left; x < both.left + both.width; x++) {
          const [i, j] = [y - tile.top, x - tile.left];
          if (!mask[Math.floor(i / BLOCK) * columns + Math.floor(j / BLOCK)]) continue;
          const from = 3 * (i * tile.width + j);
          pixels.set(own.subarray(from, from + 3), 3 * ((y - place.top) * place.width + x - place.left));
        }
      }
    }
  }

  /**
   * Puts what shows over the pixels (h, w, 3) of the whole picture at 1/scale.
   *
   * @param {Uint8Array} pixels
   * @param {number} scale
   */
  async showReduced(pixels, scale) {
    const width = Math.ceil(this.grid.width / scale);
    for (const [index, { mask, columns }] of this.places.entries()) {
      if (!mask.includes(1)) continue;
      const tile = this.grid.tileBox(index);
      const own = reduced(await this.pixels(index), tile.height, tile.width, 3, scale);
      const [tall, wide] = [Math.ceil(tile.height / scale), Math.ceil(tile.width / scale)];
      const side = BLOCK / scale;
      for (let y = 0; y < tall; y++) {
        for (let x = 0; x < wide; x++) {
          if (!mask[Math.floor(y / side) * columns + Math.floor(x / side)]) continue;
          const from = 3 * (y * wide + x);
          pixels.set(own.subarray(from, from + 3), 3 * ((tile.top / scale + y) * width + tile.left / scale + x));
        }
      }
    }
  }

  /**
   * Whether something else shows in a box.
   *
   * @param {Box} place
   */
  isOpen(place) {
    return this.places.some(({ mask, columns }, index) => {
      const tile = this.grid.tileBox(index);
      if (!meets(tile, place)) return false;
      const both = shared(tile, place);
      const { top, left, height, width } = blocksOf({ ...both, top: both.top - tile.top, left: both.left - tile.left });
      for (let i = top; i < top + height; i++) if (mask.subarray(i * columns + left, i * columns + left + width).includes(0)) return true;
      return false;
    });
  }

  /** @param {number} index */
  async pixels(index) {
    const { rest } = this.places[index];
    const { height, width } = this.grid.tileBox(index);
    if (rest[0] !== AV1) return decodeSamples(rest, height, width, 3);
    const what = "a sharp payload";
    const file = asAvif(rest.subarray(1), height, width, what);
    if (!this.decodeAvif) throw new MissingExtraError("nothing decodes AV1 here", { expected: "a browser with AVIF" });
    try {
      return await this.decodeAvif(file, width, height);
    } catch (error) {
      throw new CorruptError(`${what} cannot be decoded`, { got: String(error) });
    }
  }
}

/**
 * Means of squares of samples, rounded: (ceil(h / scale), ceil(w / scale), count). Of four samples, the last is how much
 * the others count.
 *
 * @param {Uint8Array} samples (height, width, count)
 * @param {number} height
 * @param {number} width
 * @param {number} count
 * @param {number} scale
 */
export function reduced(samples, height, width, count, scale) {
  const [tall, wide] = [Math.ceil(height / scale), Math.ceil(width / scale)];
  const out = new Uint8Array(tall * wide * count);
  for (let y = 0; y < tall; y++) {
    for (let x = 0; x < wide; x++) {
      const [bottom, right] = [Math.min(height, (y + 1) * scale), Math.min(width, (x + 1) * scale)];
      const size = (bottom - y * scale) * (right - x * scale);
      const to = (y * wide + x) * count;
      for (let k = count - 1; k >= 0; k--) {
        const weighed = count === 4 && k < 3;
        let [sum, total] = [0, weighed ? 0 : size];
        for (let i = y * scale; i < bottom; i++) {
          for (let j = x * scale; j < right; j++) {
            const at = (i * width + j) * count;
            const weight = weighed ? samples[at + 3] : 1;
            sum += weight * samples[at + k];
            if (weighed) total += weight;
          }
        }
        out[to + k] = total ? Math.floor(sum / total + 0.5) : 0;
      }
    }
  }
  return out;
}
