/** The inverse of the lapped transform: coefficients to planes of red, green and blue about 0. docs/format.md, "Coder 2". */

import { floatWeights } from "./packing.js";

/** @import { Heap } from "./heap.js" */

/** Numbers that the kernels write at least of each row. */
const LENGTH = 8;

/**
 * @typedef {object} Column channels of one colour and one horizontal frequency
 * @property {number} colour
 * @property {number} across the frequency
 * @property {number[]} channels
 * @property {number[]} down their vertical frequencies
 */

export class InverseTransform {
  /**
   * @param {Heap} heap
   * @param {Float32Array} inverse (frequencies, 2 * hop): the function of each frequency along an axis
   * @param {number} hop pixels between two positions
   * @param {Float32Array} colour (3, 3): rows that turn red, green and blue into the planes that are transformed
   * @param {number[][]} channels of each channel the colour, the vertical and the horizontal frequency
   */
  constructor(heap, inverse, hop, colour, channels) {
    this.heap = heap;
    this.hop = hop;
    /** @type {Map<string, Column>} */
    const columns = new Map();
    channels.forEach(([q, u, v], channel) => {
      const column = columns.get(`${q} ${v}`) ?? { colour: q, across: v, channels: [], down: [] };
      column.channels.push(channel);
      column.down.push(u);
      columns.set(`${q} ${v}`, column);
    });
    this.columns = [...columns.values()];
    const at = (/** @type {number} */ frequency, /** @type {number} */ x) => inverse[frequency * 2 * hop + x];
    // The block after a position is seen by the second half of its window and the first half of the next one's.
    const halves = [hop, 0];
    const places = Array.from({ length: hop }, (_, x) => x);
    this.down = this.columns.map(({ down }) => {
      const weights = down.flatMap((u) => halves.flatMap((half) => places.map((y) => at(u, half + y))));
      return heap.keep(floatWeights(Float32Array.from(weights), hop));
    });
    const rgb = inverted(colour);
    const weights = this.columns.flatMap(({ colour: q, across }) =>
      halves.flatMap((half) => [0, 1, 2].flatMap((p) => places.map((x) => at(across, half + x) * rgb[3 * p + q]))),
    );
    this.across = heap.keep(floatWeights(Float32Array.from(weights), 3 * hop));
  }

  /**
   * Samples f32 (hop * (h - 1), hop * (w - 1), 3): the part whose windows are all there.
   *
   * @param {number} out where they go
   * @param {number} coefficients f32 (channels, h, w)
   * @param {number} h
   * @param {number} w
   */
  synthesise(out, coefficients, h, w) {
    const { heap, hop, columns } = this;
    const { kernels } = heap;
    const size = h * w;
    const step = 4 * Math.max((h - 1) * w, LENGTH);
    const filled = Math.ceil(hop / 4) * 4;
    heap.with((take) => {
      const most = Math.max(...columns.map(({ channels }) => channels.length), columns.length);
      const rows = take(8 * most);
      const tall = columns.map(() => take(filled * step + 4 * LENGTH));
      const length = Math.max((h - 1) * w, LENGTH);
      columns.forEach(({ channels }, index) => {
        const places = channels.flatMap((c) => [coefficients + 4 * c * size, coefficients + 4 * (c * size + w)]);
        heap.u32(rows, places.length).set(places);
        kernels.sums(tall[index], step, filled, rows, places.length, this.down[index], length);
      });
      const outputs = Math.ceil((3 * hop) / 4) * 4;
      const wide = take(outputs * step + 4 * LENGTH);
      const line = 4 * 3 * hop * (w - 1);
      for (let y = 0; y < hop; y++) {
        const places = tall.flatMap((at) => [at + y * step, at + y * step + 4]);
        heap.u32(rows, places.length).set(places);
        kernels.sums(wide, step, outputs, rows, places.length, this.across, length);
        for (let m = 0; m < 3 * hop; m++) {
          const [plane, x] = [Math.floor(m / hop), m % hop];
          kernels.spread(out + y * line + 4 * (3 * x + plane), hop * line, 4 * 3 * hop, wide + m * step, 4 * w, h - 1, w - 1);
        }
      }
    });
  }
}

/**
 * The inverse of a 3x3 matrix.
 *
 * @param {Float32Array} m
 */
export function inverted(m) {
  const minor = (/** @type {number} */ r, /** @type {number} */ c) => {
    const [a, b] = [0, 1, 2].filter((i) => i !== r);
    const [d, e] = [0, 1, 2].filter((i) => i !== c);
    return ((r + c) % 2 ? -1 : 1) * (m[3 * a + d] * m[3 * b + e] - m[3 * a + e] * m[3 * b + d]);
  };
  const determinant = [0, 1, 2].reduce((sum, c) => sum + m[c] * minor(0, c), 0);
  return Array.from({ length: 9 }, (_, i) => minor(i % 3, Math.floor(i / 3)) / determinant);
}
