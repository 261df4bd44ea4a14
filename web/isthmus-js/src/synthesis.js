/** Computes the synthesis networks: features to corrections at 1/16, planes to pixels on the grid. docs/format.md, "Networks". */

import { FEATURE_BITS } from "./formats.js";
import { pack, packDepthwise, packFloat, part, partScales, scales, stepAt, stepsOf, wholeScales } from "./layers.js";
import { ACROSS, SQUARE, TAPS } from "./networks.js";
import { filled, filledUp } from "./packing.js";
import { Places, cleared, ring } from "./rows.js";

/** @import { Heap } from "./heap.js" */
/** @import { Dials, Packed, Scales } from "./layers.js" */
/** @import { Networks } from "./networks.js" */

const FEATURE_STEP = 2 ** -FEATURE_BITS;
/** Positions at each edge of the grid that lack windows. */
const EDGE = ACROSS / 2;
// What `layer` of the kernels makes of its sums.
const SUMS = 2;
const ADDED = 3;
const LEAKY_SUMS = 4;
const RECTIFIED = 5;

export class Synthesis {
  /**
   * @param {Heap} heap
   * @param {Networks} networks
   */
  constructor(heap, networks) {
    this.heap = heap;
    this.networks = networks;
    const { latents, width, hidden, corrected, gridWidth, gridHidden } = networks;
    this.enter = pack(heap, networks.enter, latents + 1, width);
    this.trunk = networks.trunk.map(({ depthwise, expand, reduce }) => ({
      depthwise: packDepthwise(heap, depthwise, width),
      expand: pack(heap, expand, width, hidden),
      reduce: pack(heap, reduce, hidden, width),
    }));
    this.correct = pack(heap, networks.correct, width, corrected);
    this.leave = pack(heap, networks.leave, width, gridWidth);
    this.pixels = packFloat(heap, networks.pixels, networks.pixels.weight, gridWidth);
    this.grid = networks.grid.map(({ spatial, mix }) => ({
      spatial: pack(heap, spatial, gridWidth, gridHidden),
      mix: pack(heap, mix, gridHidden, gridWidth),
    }));
    const { weight, bias } = networks.last;
    this.last = packFloat(heap, networks.last, filledUp(weight, weight.length, filled(gridWidth) * bias.length), bias.length);
    this.taps = heap.keep(new Uint32Array(TAPS));
  }

  /**
   * What the network at 1/16 makes of a plane of positions.
   *
   * @param {number} hidden where this goes: i16 (h, w, W), W filled up
   * @param {number} corrections f32 (h, w, K), K filled up
   * @param {number} features i16 (h, w, C + 1), filled up
   * @param {number} h
   * @param {number} w
   * @param {Dials} dials
   */
  atSixteenth(hidden, corrections, features, h, w, dials) {
    const { heap, networks } = this;
    const { kernels } = heap;
    const size = h * w;
    const channels = filled(networks.width);
    heap.with((take) => {
      const all = new Places(heap, take, size);
      const x = take(4 * size * channels);
      const seen = take(2 * size * channels);
      const wide = take(2 * size * filled(networks.hidden));
      const rowBytes = 2 * (w + 2) * channels;
      // What lies beyond the edges is 0.
      const around = cleared(heap, take, (h + 2) * rowBytes);
      const inside = around + rowBytes + 2 * channels;
      this.layer(this.enter, scales(heap, this.enter, FEATURE_STEP, take, this.enterBias(dials)), LEAKY_SUMS, all, [features], x);
      for (const { depthwise, expand, reduce } of this.trunk) {
        const { unit, bias } = wholeScales(heap, depthwise, dials, take);
        const [before, after] = stepsOf(depthwise.layer, dials);
        for (let i = 0; i < h; i++) kernels.whole(inside + i * rowBytes, x + 4 * i * w * channels, w * channels, before);
        for (let i = 0; i < h; i++) {
          const [to, from] = [x + 4 * i * w * channels, around + i * rowBytes];
          kernels.depthwise(to, from, w, channels, rowBytes, depthwise.weights, unit, bias, after);
        }
        const [narrow, broad] = stepsOf(expand.layer, dials);
        kernels.whole(seen, x, size * channels, narrow);
        this.layer(expand, wholeScales(heap, expand, dials, take), RECTIFIED, all, [seen], wide);
        this.layer(reduce, scales(heap, reduce, broad, take), ADDED, all, [wide], x);
      }
      const step = stepAt(networks.steps, dials.weights);
      kernels.whole(hidden, x, size * channels, step);
      this.layer(this.correct, scales(heap, this.correct, step, take), SUMS, all, [hidden], corrections);
    });
  }

  /**
   * What the network on the grid makes of planes, row of squares by row, block behind block, so that little is kept.
   *
   * @param {number} pixels where they go: u8 (16 (h - 1), 16 (w - 1), 3)
   * @param {number} planes f32, the same, of RGB about 0 in nominal steps; they are changed
   * @param {number} hidden i16 (h, w, W), W filled up
   * @param {number} h
   * @param {number} w
   * @param {Dials} dials
   */
  onGrid(pixels, planes, hidden, h, w, dials) {
    const { heap, networks, leave } = this;
    const { kernels } = heap;
    const channels = filled(networks.gridWidth);
    const [rows, columns] = [ACROSS * (h - 1), ACROSS * (w - 1)];
    const line = 4 * 3 * SQUARE * columns;
    heap.with((take) => {
      const squares = new Places(heap, take, columns);
      const positions = new Places(heap, take, w);
      const left = scales(heap, leave, stepAt(networks.steps, dials.weights), take);
      const blocks = this.grid.map(({ spatial, mix }) => {
        const [before, after] = stepsOf(spatial.layer, dials);
        return { before, spatial: wholeScales(heap, spatial, dials, take), mix: scales(heap, mix, after, take) };
      });
      // Of each row of squares, what blocks add to until all have; of what they see, the row, that before and that behind it.
      const x = ring(take, this.grid.length + 1, 4 * channels * ACROSS * w);
      const rowBytes = 2 * channels * (columns + 2);
      const nothing = cleared(heap, take, rowBytes);
      const seen = this.grid.map(() => {
        const begin = cleared(heap, take, 3 * rowBytes);
        return (/** @type {number} */ r) => (r < 0 || r === rows ? nothing : begin + (r % 3) * rowBytes);
      });
      const active = take(2 * filled(networks.gridHidden) * columns);
      const own = (/** @type {number} */ r) => x(r) + 4 * channels * EDGE;
      const look = (/** @type {number} */ b, /** @type {number} */ r) => {
        if (b < blocks.length) kernels.whole(seen[b](r) + 2 * channels, own(r), channels * columns, blocks[b].before);
      };
      for (let t = 0; t < rows + blocks.length; t++) {
        if (t < rows) {
          const [i, y] = [Math.floor((t + EDGE) / ACROSS), (t + EDGE) % ACROSS];
          const from = hidden + 2 * leave.inputs * w * i;
          this.layer(part(leave, y), partScales(leave, left, y), SUMS, positions, [from], x(t));
          const { weights, bias } = this.pixels;
          const samples = planes + t * SQUARE * line;
          kernels.products(own(t), 4 * channels, samples, 12 * SQUARE, columns, line, SQUARE, 3 * SQUARE, weights, channels, bias);
          look(0, t);
        }
        this.grid.forEach(({ spatial, mix }, b) => {
          const r = t - 1 - b;
          if (r < 0 || r >= rows) return;
          const taps = Array.from({ length: TAPS }, (_, k) => seen[b](r + Math.floor(k / 3) - 1) + 2 * channels * (k % 3));
          this.layer(spatial, blocks[b].spatial, RECTIFIED, squares, taps, active);
          this.layer(mix, blocks[b].mix, ADDED, squares, [active], own(r));
          look(b + 1, r);
        });
        const r = t - blocks.length;
        if (r < 0) continue;
        const { weights, bias } = this.last;
        const samples = planes + r * SQUARE * line;
        for (let y = 0; y < SQUARE; y++) {
          const first = 4 * 3 * SQUARE * y;
          const [to, weight] = [samples + y * line, weights + channels * first];
          kernels.products(to, 12 * SQUARE, own(r), 4 * channels, columns, 0, 1, channels, weight, 3 * SQUARE, bias + first);
        }
        kernels.levels(pixels + (r * SQUARE * line) / 4, samples, dials.nominal, line);
      }
    });
  }

  /**
   * @param {Packed} packed
   * @param {Scales} scales
   * @param {number} mode what is made of the sums
   * @param {Places} places
   * @param {number[]} taps where what enters begins, of each tap
   * @param {number} out where the outputs go, position by position
   */
  layer({ weights, inputs, outputs }, { unit, bias }, mode, places, taps, out) {
    const { heap } = this;
    heap.u32(this.taps, taps.length).set(taps);
    const [rows, outs] = [places.every(2 * inputs), places.every((mode === RECTIFIED ? 2 : 4) * outputs)];
    heap.kernels.layer(rows, places.count, this.taps, taps.length, inputs, weights, outputs, unit, bias, mode, 0, outs, out);
  }

  /** @param {Dials} dials */
  enterBias({ weights, share }) {
    const { enter, quality, tuned, width } = this.networks;
    return enter.bias.map((bias, c) => {
      let sum = bias;
      weights.forEach((weight, k) => {
        sum += weight * (quality[k * width + c] + share * tuned[k * width + c]);
      });
      return sum;
    });
  }
}
