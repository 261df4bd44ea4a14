/** The weights of the entropy model's networks, checked and laid out for the kernels. */

import { ModelError } from "./errors.js";
import { NEAR } from "./definition.js";
import { ACTIVATION_BITS, ACTIVATION_LIMIT, FEATURE_BITS, FEATURE_LIMIT, WEIGHT_LIMIT } from "./formats.js";
import { filled, wholeWeights } from "./packing.js";

/** @import { Layer, Pass } from "./definition.js" */
/** @import { Heap } from "./heap.js" */
/** @import { ModelFile } from "./model-file.js" */

/** Sums below this, in units of the smallest summand, are exact in float32. */
const EXACT_SUM = 2 ** 24;
/** Steps: latents in sixteenths then have room in 32 bits. */
const LARGEST_MEAN = 2 ** 22;
const EXPONENTS = [-12, 8];

/**
 * @typedef {object} PackedLayer places in the heap
 * @property {number} weights
 * @property {number} unit
 * @property {number} bias
 * @property {number} taps
 * @property {number} width numbers of what enters at a position
 * @property {number} outputs filled up to a multiple of 8
 */

/**
 * @typedef {object} PassWeights
 * @property {PackedLayer[]} layers
 * @property {Float32Array} unit of the first layer's outputs
 * @property {Float32Array} bias of the first layer's, without what the dials add
 * @property {Int32Array} quality (points, width)
 * @property {Int32Array} tuned (points, width)
 * @property {Int16Array | undefined} linear (NEAR * channels, channels) in units of 2 ** -12
 */

/**
 * @param {Heap} heap
 * @param {ModelFile} file
 * @param {Pass} one
 * @returns {PassWeights}
 */
export function packPass(heap, file, one) {
  const prefix = `context.${one.name}.`;
  const dials = ["quality", "tuned"].map((name) => file.array(prefix + name, "I32", [file.points, one.width]));
  const [quality, tuned] = /** @type {Int32Array[]} */ (dials);
  const layers = one.layers.map((layer, index) => {
    const most = index ? undefined : [quality, tuned];
    return packLayer(heap, file, prefix, layer, most);
  });
  const first = layers[0];
  return {
    layers,
    unit: heap.f32(first.unit, one.width).slice(),
    bias: heap.f32(first.bias, one.width).slice(),
    quality,
    tuned,
    linear: one.neighbours
      ? /** @type {Int16Array} */ (file.array(`${prefix}linear.weight`, "I16", [NEAR * one.channels, one.channels]))
      : undefined,
  };
}

/**
 * @param {Heap} heap
 * @param {ModelFile} file
 * @param {string} prefix
 * @param {Layer} layer
 * @param {Int32Array[] | undefined} dials of a layer that enters a pass, what the dials add to its bias
 * @returns {PackedLayer}
 */
function packLayer(heap, file, prefix, layer, dials) {
  const depth = layer.rows.reduce((a, b) => a + b);
  const outputs = filled(layer.outputs);
  const matrix = new Int8Array(depth * layer.outputs);
  const largest = new Float64Array(layer.outputs);
  const top = dials ? FEATURE_LIMIT : ACTIVATION_LIMIT;
  let row = 0;
  layer.parts.forEach((part, index) => {
    const name = `${prefix}${part}.weight`;
    const weights = file.array(name, "I8", [layer.rows[index], layer.outputs]);
    matrix.set(weights, row * layer.outputs);
    row += layer.rows[index];
    weights.forEach((weight, at) => {
      largest[at % layer.outputs] += Math.abs(weight) * top;
      check(Math.abs(weight) <= WEIGHT_LIMIT, name, `within +-${WEIGHT_LIMIT}`, weight);
    });
  });
  const exponents = file.array(`${prefix}${layer.name}.exponent`, "I8", [layer.outputs]);
  const biases = file.array(`${prefix}${layer.name}.bias`, "I32", [layer.outputs]);
  const unit = new Float32Array(outputs);
  const bias = new Float32Array(outputs);
  for (let k = 0; k < layer.outputs; k++) {
    const [low, high] = EXPONENTS;
    check(exponents[k] >= low && exponents[k] <= high, `${prefix}${layer.name}.exponent`, EXPONENTS, exponents[k]);
    unit[k] = 2 ** (exponents[k] - (dials ? FEATURE_BITS : ACTIVATION_BITS));
    bias[k] = biases[k] * unit[k];
    largest[k] += Math.abs(biases[k]);
    for (const table of dials ?? []) {
      let most = 0;
      for (let at = k; at < table.length; at += layer.outputs) most = Math.max(most, Math.abs(table[at]));
      largest[k] += most;
    }
    check(largest[k] < EXACT_SUM, prefix + layer.name, `sums below ${EXACT_SUM}`, largest[k]);
    if (layer.name === "last" && 2 * k < layer.outputs) {
      const mean = largest[k] * unit[k];
      check(mean <= LARGEST_MEAN, prefix + layer.name, `means within +-${LARGEST_MEAN} steps`, mean);
    }
  }
  // Kernels multiply numbers in pairs.
  check(depth % (2 * layer.taps) === 0, prefix + layer.name, "an even number of inputs", depth);
  return {
    weights: heap.keep(wholeWeights(matrix, layer.outputs)),
    unit: heap.keep(unit),
    bias: heap.keep(bias),
    taps: layer.taps,
    width: depth / layer.taps,
    outputs,
  };
}

/**
 * @param {boolean} holds
 * @param {string} what
 * @param {unknown} expected
 * @param {unknown} got
 */
function check(holds, what, expected, got) {
  if (!holds) throw new ModelError(`the model file cannot be computed exactly: ${what}`, { expected, got });
}
