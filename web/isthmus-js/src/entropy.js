/** The entropy model: payloads to latents, pass by pass, in whole numbers. docs/format.md, "Latents". */

import { companded, meanAround } from "./companding.js";
import { crc32 } from "./crc32.js";
import { NEAR, passesOf, phaseAt } from "./definition.js";
import { HUNDREDTHS, WHOLE_TUNE } from "./dials.js";
import { CorruptError, ModelError } from "./errors.js";
import { FEATURE_BITS, FEATURE_LIMIT, LATENT_LIMIT, MEAN_STEPS, SCALES } from "./formats.js";
import { packPass } from "./pass-weights.js";
import { rint } from "./rounding.js";
import { SymbolReader } from "./symbols.js";
import { packTables } from "./tables.js";

/** @import { Pass } from "./definition.js" */
/** @import { Heap, Take } from "./heap.js" */
/** @import { ModelFile } from "./model-file.js" */
/** @import { PackedLayer, PassWeights } from "./pass-weights.js" */

/** Of a feature that is 1. */
const ONE = 2 ** FEATURE_BITS;
const LINEAR_UNIT = 2 ** -12;
/** What `layer` of the kernels makes of its sums. */
const LEAKY = 0;
const RESIDUAL = 1;
const SUMS = 2;

/**
 * @typedef {object} Plane what is known while a payload is decoded, as places in the heap
 * @property {number} height
 * @property {number} width
 * @property {number} channels
 * @property {number} latents i32 (positions, channels) in sixteenths
 * @property {number} features i16 (positions, 2 * channels)
 */

export class EntropyModel {
  /**
   * @param {Heap} heap
   * @param {ModelFile} file
   */
  constructor(heap, file) {
    this.heap = heap;
    this.groups = file.groups;
    this.points = file.points;
    const [lattices, boards] = ["dc.0", "ac.1.0"].map((name) => file.shapeOf(`context.${name}.quality`, 2)[1]);
    this.passes = passesOf(file.groups, lattices, boards);
    this.tables = packTables(heap, /** @type {Int32Array} */ (file.array("tables", "I32", [undefined])));
    const compand = file.array("compand", "I32", [LATENT_LIMIT + 1]);
    if (compand[0] !== 0 || compand.some((value) => value < 0 || value > FEATURE_LIMIT)) {
      throw new ModelError("the model file is inconsistent: compand", { expected: `0 first, and 0 to ${FEATURE_LIMIT}` });
    }
    this.compand = Int16Array.from(compand);
    this.companded = heap.keep(this.compand);
    this.near = /** @type {Int16Array} */ (file.array("context.dc.near", "I16", [NEAR]));
    this.weights = this.passes.map((one) => packPass(heap, file, one));
  }

  /**
   * Latents (height, width, channels) in sixteenths of a step, as they were coded, of a tile; the same everywhere.
   *
   * @param {Uint8Array} payload
   * @param {number} height positions
   * @param {number} width
   * @param {number} quality 0 to 10000
   * @param {number} tune 0 to 100
   * @param {number} [groups] how many groups of channels, from the first; all by default. Fewer cannot be checked
   * @returns {Int32Array}
   */
  decode(payload, height, width, quality, tune, groups = this.groups.length) {
    return this.heap.with((take) => {
      const { heap } = this;
      const reader = new SymbolReader(heap, this.tables, payload, take);
      const channels = this.groups.slice(0, groups).reduce((a, b) => a + b);
      const positions = height * width;
      const plane = {
        height,
        width,
        channels,
        latents: take(4 * positions * channels),
        features: take(4 * positions * channels),
      };
      heap.i32(plane.latents, positions * channels).fill(0);
      heap.i16(plane.features, 2 * positions * channels).fill(0);
      this.passes.forEach((one, index) => {
        if (one.group < groups) this.pass(one, this.weights[index], plane, reader, quality, tune);
      });
      const latents = heap.i32(plane.latents, positions * channels).slice();
      if (groups === this.groups.length) this.check(reader, latents);
      return latents;
    });
  }

  /**
   * @param {SymbolReader} reader
   * @param {Int32Array} latents
   */
  check(reader, latents) {
    const found = crc32(new Uint8Array(latents.buffer));
    if (found !== reader.crc || !reader.isFinished()) {
      const details = { expected: reader.crc.toString(16), got: found.toString(16), hint: "The file is damaged." };
      throw new CorruptError("decoded latents do not match their checksum", details);
    }
  }

  /**
   * @param {Pass} one
   * @param {PassWeights} weights
   * @param {Plane} plane
   * @param {SymbolReader} reader
   * @param {number} quality
   * @param {number} tune
   */
  pass(one, weights, plane, reader, quality, tune) {
    const { heap } = this;
    const { height, width } = plane;
    /** @type {number[]} */
    const at = [];
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) if (phaseAt(one.board, i, j) === one.phase) at.push(i * width + j);
    }
    heap.with((take) => {
      if (at.length) {
        const positions = take(4 * at.length);
        heap.u32(positions, at.length).set(at);
        const bias = take(4 * weights.layers[0].outputs);
        heap.f32(bias, weights.layers[0].outputs).fill(0);
        heap.f32(bias, one.width).set(this.dialled(weights, quality, tune));
        const means = take(4 * at.length * one.channels);
        const scales = take(at.length * one.channels);
        const predict = one.neighbours ? this.fromNeighbours : this.fromGroups;
        predict.call(this, one, weights, plane, at, bias, means, scales, take);
        reader.addTo(means, scales, at.length, one.channels);
        const features = one.neighbours ? 0 : plane.features + 4 * one.first;
        const latents = plane.latents + 4 * one.first;
        const strides = [plane.channels, features, 2 * plane.channels];
        const [stride, to, featureStride] = strides;
        const { kernels } = heap;
        kernels.place(means, positions, at.length, one.channels, latents, stride, to, featureStride, this.companded);
      }
      if (one.neighbours && one.last) this.highpass(plane, one.channels);
    });
  }

  /**
   * The bias of a pass's first layer where the dials stand.
   *
   * @param {PassWeights} weights
   * @param {number} quality
   * @param {number} tune
   */
  dialled({ unit, bias, quality: a, tuned: b }, quality, tune) {
    const place = quality * (this.points - 1);
    const index = Math.min(Math.floor(place / HUNDREDTHS), this.points - 2);
    const share = place - index * HUNDREDTHS;
    return bias.map((value, k) => {
      const [low, high] = [index * bias.length + k, (index + 1) * bias.length + k];
      const plain = a[low] * (HUNDREDTHS - share) + a[high] * share;
      const tuned = (b[low] * (HUNDREDTHS - share) + b[high] * share) * tune;
      return value + rint((plain * WHOLE_TUNE + tuned) / (HUNDREDTHS * WHOLE_TUNE)) * unit[k];
    });
  }

  /**
   * Means, i32 in sixteenths, and scale indices, u8, of a pass from all that is decoded of the groups before.
   *
   * @param {Pass} one
   * @param {PassWeights} weights
   * @param {Plane} plane
   * @param {number[]} at
   * @param {number} bias
   * @param {number} means
   * @param {number} scales
   * @param {Take} take
   */
  fromGroups(one, weights, plane, at, bias, means, scales, take) {
    const { heap } = this;
    const { height, width } = plane;
    const [project, spatial, mix, last] = weights.layers;
    const positions = height * width;
    const stride = 2 * project.outputs;
    const padded = width + 2;
    // What lies beyond the edges is 0.
    const bytes = (height + 2) * padded * stride;
    const state = take(bytes);
    heap.u8(state, bytes).fill(0);
    const rows = take(4 * positions);
    const outs = take(4 * positions);
    const [from, to] = [heap.u32(rows, positions), heap.u32(outs, positions)];
    for (let p = 0, i = 0; i < height; i++) {
      for (let j = 0; j < width; j++, p++) {
        from[p] = plane.features + 4 * p * plane.channels;
        to[p] = state + ((i + 1) * padded + j + 1) * stride;
      }
    }
    this.layer({ ...project, bias }, rows, positions, [0], LEAKY, 0, outs);
    const centres = take(4 * at.length);
    heap.u32(centres, at.length).set(at.map((p) => heap.u32(outs, positions)[p]));
    const corners = heap.u32(rows, at.length);
    const centre = (padded + 1) * stride;
    heap.u32(centres, at.length).forEach((place, index) => {
      corners[index] = place - centre;
    });
    const taps = Array.from({ length: 9 }, (_, t) => (Math.floor(t / 3) * padded + (t % 3)) * stride);
    const seen = this.rows(at.length, 2 * spatial.outputs, take);
    this.layer(spatial, rows, at.length, taps, RESIDUAL, centres, seen);
    const mixed = this.rows(at.length, 2 * mix.outputs, take);
    this.layer(mix, seen, at.length, [0], RESIDUAL, seen, mixed);
    const out = this.rows(at.length, 4 * last.outputs, take);
    this.layer(last, mixed, at.length, [0], SUMS, 0, out);
    const begin = heap.u32(out, 1)[0];
    heap.kernels.predictions(begin, at.length, last.outputs, one.channels, means, scales);
  }

  /**
   * As `fromGroups`, from what is decoded of the same group around each position: how it differs from its mean.
   *
   * @param {Pass} one
   * @param {PassWeights} weights
   * @param {Plane} plane
   * @param {number[]} at
   * @param {number} bias
   * @param {number} means
   * @param {number} scales
   * @param {Take} take
   */
  fromNeighbours(one, weights, plane, at, bias, means, scales, take) {
    const { heap, near, compand } = this;
    const { height, width } = plane;
    const n = one.channels;
    const [first, second, last] = weights.layers;
    const linear = /** @type {Int16Array} */ (weights.linear);
    const rows = this.rows(at.length, 2 * one.features, take);
    const hidden = this.rows(at.length, 2 * first.outputs, take);
    const again = this.rows(at.length, 2 * second.outputs, take);
    const out = this.rows(at.length, 4 * last.outputs, take);
    const features = heap.i16(heap.u32(rows, 1)[0], at.length * one.features).fill(0);
    const latents = heap.i32(plane.latents, height * width * plane.channels);
    // Of each position, in sixteenths: the mean of what is known, and what the linear matrix adds.
    const bases = new Float64Array(at.length * n);
    const around = new Int32Array(NEAR);
    at.forEach((position, p) => {
      const [i, j] = [Math.floor(position / width), position % width];
      let total = 0;
      for (let t = 0; t < NEAR; t++) {
        const [y, x] = [i + Math.floor(t / 5) - 2, j + (t % 5) - 2];
        const inside = y >= 0 && y < height && x >= 0 && x < width;
        const known = inside && phaseAt(one.board, y, x) < one.phase;
        around[t] = known ? y * width + x : -1;
        if (!known) continue;
        total += near[t];
        features[p * one.features + NEAR * n + t] = ONE;
      }
      for (let c = 0; c < n; c++) {
        let sum = 0;
        for (let t = 0; t < NEAR; t++) if (around[t] >= 0) sum += near[t] * latents[around[t] * plane.channels + c];
        const base = Math.floor(sum / Math.max(total, 1));
        bases[p * n + c] += base;
        for (let t = 0; t < NEAR; t++) {
          if (around[t] < 0) continue;
          const difference = latents[around[t] * plane.channels + c] - base;
          const limited = Math.max(-LATENT_LIMIT, Math.min(LATENT_LIMIT, difference));
          features[p * one.features + c * NEAR + t] = companded(compand, difference);
          for (let k = 0; k < n; k++) bases[p * n + k] += limited * linear[(c * NEAR + t) * n + k] * LINEAR_UNIT;
        }
      }
    });
    this.layer({ ...first, bias }, rows, at.length, [0], LEAKY, 0, hidden);
    this.layer(second, hidden, at.length, [0], RESIDUAL, hidden, again);
    this.layer(last, again, at.length, [0], SUMS, 0, out);
    const sums = heap.f32(heap.u32(out, 1)[0], at.length * last.outputs);
    const [meansOut, scalesOut] = [heap.i32(means, at.length * n), heap.u8(scales, at.length * n)];
    for (let p = 0; p < at.length; p++) {
      for (let c = 0; c < n; c++) {
        meansOut[p * n + c] = Math.floor(bases[p * n + c] + sums[p * last.outputs + c] * MEAN_STEPS + 0.5);
        const scale = sums[p * last.outputs + n + c];
        scalesOut[p * n + c] = rint(Math.max(0, Math.min(SCALES - 1, scale)));
      }
    }
  }

  /**
   * Places of rows that follow each other.
   *
   * @param {number} count
   * @param {number} bytes of each
   * @param {Take} take
   */
  rows(count, bytes, take) {
    const begin = take(count * bytes);
    const rows = take(4 * count);
    const places = this.heap.u32(rows, count);
    for (let p = 0; p < count; p++) places[p] = begin + p * bytes;
    return rows;
  }

  /**
   * @param {PackedLayer} packed
   * @param {number} rows
   * @param {number} count
   * @param {number[]} taps
   * @param {number} mode
   * @param {number} residuals
   * @param {number} outs
   */
  layer({ weights, unit, bias, width, outputs }, rows, count, taps, mode, residuals, outs) {
    this.heap.with((take) => {
      const offsets = take(4 * taps.length);
      this.heap.u32(offsets, taps.length).set(taps);
      const { kernels } = this.heap;
      kernels.layer(rows, count, offsets, taps.length, width, weights, outputs, unit, bias, mode, residuals, outs, 0);
    });
  }

  /**
   * Features of the first group: its latents less the mean around them.
   *
   * @param {Plane} plane
   * @param {number} channels
   */
  highpass(plane, channels) {
    const { heap, compand } = this;
    const { height, width } = plane;
    const latents = heap.i32(plane.latents, height * width * plane.channels);
    const features = heap.i16(plane.features, 2 * height * width * plane.channels);
    for (let p = 0, i = 0; i < height; i++) {
      for (let j = 0; j < width; j++, p++) {
        for (let c = 0; c < channels; c++) {
          const mean = meanAround(latents, plane.channels, c, i, j, height, width);
          const feature = companded(compand, latents[p * plane.channels + c] - mean);
          features[2 * p * plane.channels + c] = feature;
          features[2 * p * plane.channels + channels + c] = Math.abs(feature);
        }
      }
    }
  }
}
