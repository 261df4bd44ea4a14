/** Layers of the synthesis as the kernels take them: weights in the heap, and what sums count where the dials stand. */

import { ACROSS } from "./networks.js";
import { filled, filledUp, floatWeights, wholeWeights } from "./packing.js";
import { rint } from "./rounding.js";

/** @import { Heap, Take } from "./heap.js" */
/** @import { FloatLayer, Layer } from "./networks.js" */

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

/** Far above all sums. */
const BIAS_LIMIT = 2 ** 30;

/**
 * @param {Heap} heap
 * @param {Layer} layer
 * @param {number} depth channels of what enters
 * @param {number} width channels of what leaves
 * @returns {Packed}
 */
export function pack(heap, layer, depth, width) {
  const outputs = (layer.unit.length / width) * filled(width);
  const wide = filledUp(layer.weight, width, filled(width));
  const weights = heap.keep(wholeWeights(filledUp(wide, depth * outputs, filled(depth) * outputs), outputs));
  return { layer, weights, inputs: filled(depth), width, outputs };
}

/**
 * @param {Heap} heap
 * @param {Layer} layer
 * @param {number} width
 * @returns {Packed}
 */
export function packDepthwise(heap, layer, width) {
  const weights = heap.keep(Int16Array.from(filledUp(layer.weight, width, filled(width))));
  return { layer, weights, inputs: 1, width, outputs: filled(width) };
}

/**
 * @param {Heap} heap
 * @param {FloatLayer} layer
 * @param {Float32Array} weight with all inputs
 * @param {number} width channels of what leaves
 * @returns {PackedFloat}
 */
export function packFloat(heap, { bias }, weight, width) {
  const wide = filledUp(weight, width, filled(width));
  return { weights: heap.keep(floatWeights(wide, filled(width))), bias: heap.keep(filledUp(bias, width, filled(width))) };
}

/**
 * @param {Heap} heap
 * @param {Packed} packed
 * @param {number} step of what enters
 * @param {Take} take
 * @param {Float32Array} [bias] another than the layer's
 * @returns {Scales}
 */
export function scales(heap, { layer, width }, step, take, bias = layer.bias) {
  return put(heap, layer.unit.map((unit) => step * unit), bias, width, take);
}

/**
 * Of a layer whose outputs are whole steps: it adds whole numbers alone.
 *
 * @param {Heap} heap
 * @param {Packed} packed
 * @param {Dials} dials
 * @param {Take} take
 * @returns {Scales}
 */
export function wholeScales(heap, { layer, width }, dials, take) {
  const [before, after] = stepsOf(layer, dials);
  const unit = layer.unit.map((unit) => Math.fround(before * unit) / after);
  const whole = Array.from(layer.bias, (bias, k) => rint(bias / (before * layer.unit[k])));
  const bias = Int32Array.from(whole, (one) => Math.max(-BIAS_LIMIT, Math.min(BIAS_LIMIT, one)));
  return put(heap, unit, bias, width, take);
}

/**
 * @param {Heap} heap
 * @param {Float32Array} unit
 * @param {Float32Array | Int32Array} bias
 * @param {number} width channels that are filled up together
 * @param {Take} take
 * @returns {Scales}
 */
function put(heap, unit, bias, width, take) {
  const [units, biases] = [filledUp(unit, width, filled(width)), filledUp(bias, width, filled(width))];
  const places = { unit: take(units.byteLength), bias: take(biases.byteLength) };
  heap.f32(places.unit, units.length).set(units);
  const to = bias instanceof Int32Array ? heap.i32(places.bias, biases.length) : heap.f32(places.bias, biases.length);
  to.set(biases);
  return places;
}

/**
 * Of a layer whose outputs are for rows of squares, those of one row.
 *
 * @param {Packed} packed
 * @param {number} y
 * @returns {Packed}
 */
export function part(packed, y) {
  const outputs = packed.outputs / ACROSS;
  return { ...packed, weights: packed.weights + 2 * y * outputs * packed.inputs, outputs };
}

/** @param {Packed} packed @param {Scales} scales @param {number} y @returns {Scales} */
export function partScales({ outputs }, { unit, bias }, y) {
  const first = 4 * y * (outputs / ACROSS);
  return { unit: unit + first, bias: bias + first };
}

/** The steps of what enters a layer and of what leaves it. @param {Layer} layer @param {Dials} dials */
export function stepsOf({ steps }, { weights }) {
  return [stepAt(steps.subarray(0, weights.length), weights), stepAt(steps.subarray(weights.length), weights)];
}

/** Between those of the quality points. @param {Float32Array} steps @param {Float32Array} weights */
export function stepAt(steps, weights) {
  return Math.fround(Math.exp(weights.reduce((sum, weight, k) => sum + weight * Math.log(steps[k]), 0)));
}
