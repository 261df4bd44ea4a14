/** Computes the synthesis networks: features to corrections at 1/16, planes to pixels on the grid. docs/format.md, "Networks". */

import { ACROSS, SQUARE, TAPS } from "./networks.js";
import { filled, filledUp, floatWeights, wholeWeights } from "./packing.js";
import { rint } from "./rounding.js";

/** @import { Heap } from "./heap.js" */
/** @import { FloatLayer, Layer, Networks } from "./networks.js" */

/**
 * @typedef {object} Packed a layer of 8 bits; channels are filled up to a multiple of 8
 * @property {Layer} layer as it is stored
 * @property {number} weights in the heap
 * @property {number} inputs of each tap
 * @property {number} width channels of the outputs that are filled up together
 * @property {number} outputs
 */
/** @typedef {{weights: number, bias: number}} PackedFloat in the heap */
/** @typedef {{unit: number, bias: number}} Scales of a layer where the dials stand, in the heap */
/** @typedef {{weights: Float32Array, share: number, nominal: number}} Dials how much each quality point counts, tune from 0 to 1, the nominal step */
/** @typedef {(bytes: number) => number} Take */

const FEATURE_STEP = 1 / 16;
/** Far above all sums. */
const BIAS_LIMIT = 2 ** 30;
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
    this.enter = this.pack(networks.enter, latents + 1, width);
    this.trunk = networks.trunk.map(({ depthwise, expand, reduce }) => ({
      depthwise: this.packDepthwise(depthwise, width),
      expand: this.pack(expand, width, hidden),
      reduce: this.pack(reduce, hidden, width),
    }));
    this.correct = this.pack(networks.correct, width, corrected);
    this.leave = this.pack(networks.leave, width, gridWidth);
    this.pixels = this.packFloat(networks.pixels, networks.pixels.weight, gridWidth);
    this.grid = networks.grid.map(({ spatial, mix }) => ({
      spatial: this.pack(spatial, gridWidth, gridHidden),
      mix: this.pack(mix, gridHidden, gridWidth),
    }));
    const { weight, bias } = networks.last;
    this.last = this.packFloat(networks.last, filledUp(weight, weight.length, filled(gridWidth) * bias.length), bias.length);
    this.taps = heap.keep(new Uint32Array(TAPS));
  }

  /**
   * @param {Layer} layer
   * @param {number} depth channels of what enters
   * @param {number} width channels of what leaves
   * @returns {Packed}
   */
  pack(layer, depth, width) {
    const outputs = (layer.unit.length / width) * filled(width);
    const wide = filledUp(layer.weight, width, filled(width));
    const weights = this.heap.keep(wholeWeights(filledUp(wide, depth * outputs, filled(depth) * outputs), outputs));
    return { layer, weights, inputs: filled(depth), width, outputs };
  }

  /**
   * @param {Layer} layer
   * @param {number} width
   * @returns {Packed}
   */
  packDepthwise(layer, width) {
    const weights = this.heap.keep(Int16Array.from(filledUp(layer.weight, width, filled(width))));
    return { layer, weights, inputs: 1, width, outputs: filled(width) };
  }

  /**
   * @param {FloatLayer} layer
   * @param {Float32Array} weight with all inputs
   * @param {number} width channels of what leaves
   * @returns {PackedFloat}
   */
  packFloat({ bias }, weight, width) {
    const wide = filledUp(weight, width, filled(width));
    return { weights: this.heap.keep(floatWeights(wide, filled(width))), bias: this.heap.keep(filledUp(bias, width, filled(width))) };
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
    const { heap } = this;
    const { kernels } = heap;
    const size = h * w;
    const channels = filled(this.networks.width);
    heap.with((take) => {
      const all = new Places(heap, take, size);
      const x = take(4 * size * channels);
      const seen = take(2 * size * channels);
      const wide = take(2 * size * filled(this.networks.hidden));
      const rowBytes = 2 * (w + 2) * channels;
      // What lies beyond the edges is 0.
      const around = cleared(heap, take, (h + 2) * rowBytes);
      const inside = around + rowBytes + 2 * channels;
      this.layer(this.enter, this.scales(this.enter, FEATURE_STEP, take, this.enterBias(dials)), LEAKY_SUMS, all, [features], x);
      for (const { depthwise, expand, reduce } of this.trunk) {
        const { unit, bias } = this.wholeScales(depthwise, dials, take);
        const [before, after] = stepsOf(depthwise.layer, dials);
        for (let i = 0; i < h; i++) kernels.whole(inside + i * rowBytes, x + 4 * i * w * channels, w * channels, before);
        for (let i = 0; i < h; i++) {
          const [to, from] = [x + 4 * i * w * channels, around + i * rowBytes];
          kernels.depthwise(to, from, w, channels, rowBytes, depthwise.weights, unit, bias, after);
        }
        const [narrow, broad] = stepsOf(expand.layer, dials);
        kernels.whole(seen, x, size * channels, narrow);
        this.layer(expand, this.wholeScales(expand, dials, take), RECTIFIED, all, [seen], wide);
        this.layer(reduce, this.scales(reduce, broad, take), ADDED, all, [wide], x);
      }
      const step = hiddenStep(this.networks, dials);
      kernels.whole(hidden, x, size * channels, step);
      this.layer(this.correct, this.scales(this.correct, step, take), SUMS, all, [hidden], corrections);
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
    const { heap, leave } = this;
    const { kernels } = heap;
    const channels = filled(this.networks.gridWidth);
    const [rows, columns] = [ACROSS * (h - 1), ACROSS * (w - 1)];
    const line = 4 * 3 * SQUARE * columns;
    heap.with((take) => {
      const squares = new Places(heap, take, columns);
      const positions = new Places(heap, take, w);
      const left = this.scales(leave, hiddenStep(this.networks, dials), take);
      const blocks = this.grid.map(({ spatial, mix }) => {
        const [before, after] = stepsOf(spatial.layer, dials);
        return { before, spatial: this.wholeScales(spatial, dials, take), mix: this.scales(mix, after, take) };
      });
      // Of each row of squares, what blocks add to until all have; of what they see, the row, that before and that behind it.
      const x = ring(take, this.grid.length + 1, 4 * channels * ACROSS * w);
      const rowBytes = 2 * channels * (columns + 2);
      const nothing = cleared(heap, take, rowBytes);
      const seen = this.grid.map(() => {
        const begin = cleared(heap, take, 3 * rowBytes);
        return (/** @type {number} */ r) => (r < 0 || r === rows ? nothing : begin + (r % 3) * rowBytes);
      });
      const active = take(2 * filled(this.networks.gridHidden) * columns);
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

  /**
   * @param {Packed} packed
   * @param {number} step of what enters
   * @param {Take} take
   * @param {Float32Array} [bias] another than the layer's
   * @returns {Scales}
   */
  scales({ layer, width }, step, take, bias = layer.bias) {
    return this.put(layer.unit.map((unit) => step * unit), bias, width, take);
  }

  /**
   * Of a layer whose outputs are whole steps: it adds whole numbers alone.
   *
   * @param {Packed} packed
   * @param {Dials} dials
   * @param {Take} take
   * @returns {Scales}
   */
  wholeScales({ layer, width }, dials, take) {
    const [before, after] = stepsOf(layer, dials);
    const unit = layer.unit.map((unit) => Math.fround(before * unit) / after);
    const whole = Array.from(layer.bias, (bias, k) => rint(bias / (before * layer.unit[k])));
    const bias = Int32Array.from(whole, (one) => Math.max(-BIAS_LIMIT, Math.min(BIAS_LIMIT, one)));
    return this.put(unit, bias, width, take);
  }

  /**
   * @param {Float32Array} unit
   * @param {Float32Array | Int32Array} bias
   * @param {number} width channels that are filled up together
   * @param {Take} take
   * @returns {Scales}
   */
  put(unit, bias, width, take) {
    const [units, biases] = [filledUp(unit, width, filled(width)), filledUp(bias, width, filled(width))];
    const places = { unit: take(units.byteLength), bias: take(biases.byteLength) };
    this.heap.f32(places.unit, units.length).set(units);
    const to = bias instanceof Int32Array ? this.heap.i32(places.bias, biases.length) : this.heap.f32(places.bias, biases.length);
    to.set(biases);
    return places;
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

/** Positions next to each other, by how many bytes they are apart. */
class Places {
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
function ring(take, count, bytes) {
  const begin = take(count * bytes);
  return (/** @type {number} */ r) => begin + (r % count) * bytes;
}

/** @param {Heap} heap @param {Take} take @param {number} bytes */
function cleared(heap, take, bytes) {
  const at = take(bytes);
  heap.u8(at, bytes).fill(0);
  return at;
}

/**
 * Of a layer whose outputs are for rows of squares, those of one row.
 *
 * @param {Packed} packed
 * @param {number} y
 * @returns {Packed}
 */
function part(packed, y) {
  const outputs = packed.outputs / ACROSS;
  return { ...packed, weights: packed.weights + 2 * y * outputs * packed.inputs, outputs };
}

/** @param {Packed} packed @param {Scales} scales @param {number} y @returns {Scales} */
function partScales({ outputs }, { unit, bias }, y) {
  const first = 4 * y * (outputs / ACROSS);
  return { unit: unit + first, bias: bias + first };
}

/** The steps of what enters a layer and of what leaves it. @param {Layer} layer @param {Dials} dials */
function stepsOf({ steps }, { weights }) {
  return [stepAt(steps.subarray(0, weights.length), weights), stepAt(steps.subarray(weights.length), weights)];
}

/** @param {Networks} networks @param {Dials} dials */
function hiddenStep({ steps }, { weights }) {
  return stepAt(steps, weights);
}

/** Between those of the quality points. @param {Float32Array} steps @param {Float32Array} weights */
function stepAt(steps, weights) {
  return Math.fround(Math.exp(weights.reduce((sum, weight, k) => sum + weight * Math.log(steps[k]), 0)));
}
