/** The synthesis networks of a model: which arrays they consist of, and how far they look. As `networks` in Python. */

import { ModelError } from "./errors.js";
import { WEIGHT_LIMIT } from "./formats.js";
import { BLOCK } from "./grid.js";

/** @import { ModelFile } from "./model-file.js" */

/** Side in pixels of what the finer network has a position for. */
export const SQUARE = 4;
/** Positions of the finer network along a block. */
export const ACROSS = BLOCK / SQUARE;
/** Numbers of a square. */
export const SAMPLES = 3 * SQUARE ** 2;
/** Of windows of 3x3 positions. */
export const TAPS = 9;
const MAX_WIDTH = 4096;
const MAX_GRID_WIDTH = 256;
const MAX_HALO = 32;

/**
 * @typedef {object} Layer of 8 bits
 * @property {Int8Array} weight (inputs, outputs)
 * @property {Float32Array} unit (outputs)
 * @property {Float32Array} bias (outputs)
 * @property {Float32Array} steps (2, points) of what enters and of what leaves; none where sums are left as they are
 */
/** @typedef {{weight: Float32Array, bias: Float32Array}} FloatLayer */

/**
 * @typedef {object} Networks
 * @property {number} points
 * @property {number} latents
 * @property {number} width channels at 1/16
 * @property {number} hidden channels within a block there
 * @property {number} corrected coefficients, from the first, that are corrected
 * @property {number} gridWidth channels on the grid
 * @property {number} gridHidden
 * @property {number} halo latent positions around a window within which what lies there has a say in its pixels
 * @property {Layer} enter
 * @property {Float32Array} quality (points, width)
 * @property {Float32Array} tuned (points, width)
 * @property {{depthwise: Layer, expand: Layer, reduce: Layer}[]} trunk
 * @property {Float32Array} steps (points)
 * @property {Layer} correct
 * @property {Layer} leave
 * @property {FloatLayer} pixels
 * @property {{spatial: Layer, mix: Layer}[]} grid
 * @property {FloatLayer} last
 */

/**
 * The networks of a model file; throws ModelError unless they can be computed with.
 *
 * @param {ModelFile} file
 * @returns {Networks}
 */
export function readNetworks(file) {
  const { points } = file;
  const latents = file.groups.reduce((a, b) => a + b);
  const [[width, corrected], [gridWidth]] = [file.shapeOf("trunk.correct.weight", 2), file.shapeOf("grid.pixels.bias", 1)];
  const blocks = count(file, "trunk.", ".depthwise.weight");
  const gridBlocks = count(file, "grid.", ".spatial.weight");
  const hidden = blocks ? file.shapeOf("trunk.0.reduce.weight", 2)[0] : 1;
  const gridHidden = gridBlocks ? file.shapeOf("grid.0.mix.weight", 2)[0] : 1;
  const widths = [width, hidden, gridWidth, gridHidden, corrected];
  const most = [MAX_WIDTH, MAX_WIDTH, MAX_GRID_WIDTH, MAX_GRID_WIDTH, latents];
  if (widths.some((one, index) => one < 1 || one > most[index])) {
    const expected = `1 to ${MAX_WIDTH} channels at 1/16, ${MAX_GRID_WIDTH} on the grid, and ${latents} corrections`;
    throw new ModelError("the model has synthesis networks of other widths", { expected, got: widths });
  }
  const halo = haloOf(blocks, gridBlocks);
  if (halo > MAX_HALO) {
    throw new ModelError("the model's networks look too far around", { expected: `at most ${MAX_HALO} positions`, got: halo });
  }
  const whole = (/** @type {string} */ name, /** @type {number} */ inputs, /** @type {number} */ outputs, steps = 0) => ({
    weight: weights(file, `${name}.weight`, [inputs, outputs]),
    unit: positive(file, `${name}.unit`, [outputs]),
    bias: floats(file, `${name}.bias`, [outputs]),
    steps: steps ? positive(file, `${name}.steps`, [2, steps]) : new Float32Array(0),
  });
  const float = (/** @type {string} */ name, /** @type {number} */ inputs, /** @type {number} */ outputs) => ({
    weight: floats(file, `${name}.weight`, [inputs, outputs]),
    bias: floats(file, `${name}.bias`, [outputs]),
  });
  return {
    points,
    latents,
    width,
    hidden,
    corrected,
    gridWidth,
    gridHidden,
    halo,
    enter: whole("trunk.enter", latents + 1, width),
    quality: floats(file, "trunk.quality", [points, width]),
    tuned: floats(file, "trunk.tuned", [points, width]),
    trunk: Array.from({ length: blocks }, (_, i) => ({
      depthwise: whole(`trunk.${i}.depthwise`, TAPS, width, points),
      expand: whole(`trunk.${i}.expand`, width, hidden, points),
      reduce: whole(`trunk.${i}.reduce`, hidden, width),
    })),
    steps: positive(file, "trunk.steps", [points]),
    correct: whole("trunk.correct", width, corrected),
    leave: whole("grid.leave", width, ACROSS ** 2 * gridWidth),
    pixels: float("grid.pixels", SAMPLES, gridWidth),
    grid: Array.from({ length: gridBlocks }, (_, i) => ({
      spatial: whole(`grid.${i}.spatial`, TAPS * gridWidth, gridHidden, points),
      mix: whole(`grid.${i}.mix`, gridHidden, gridWidth),
    })),
    last: float("grid.last", gridWidth, SAMPLES),
  };
}

/**
 * @param {number} blocks at 1/16
 * @param {number} gridBlocks
 */
export function haloOf(blocks, gridBlocks) {
  // One for the mean brightness around, and one a block; in pixels, a position of the grid for each of its blocks, and the
  // rest of the square that the last one ends in. A pixel is in the windows of the positions from a block and a half before
  // it to half a block after it.
  const grid = SQUARE * gridBlocks + SQUARE - 1;
  return 1 + blocks + Math.floor((grid + BLOCK + BLOCK / 2 - 1) / BLOCK);
}

/** @param {ModelFile} file @param {string} network @param {string} layer */
function count(file, network, layer) {
  return file.names.filter((name) => name.startsWith(network) && name.endsWith(layer)).length;
}

/** @param {ModelFile} file @param {string} name @param {number[]} shape */
function weights(file, name, shape) {
  const found = /** @type {Int8Array} */ (file.array(name, "I8", shape));
  check(name, found.every((weight) => Math.abs(weight) <= WEIGHT_LIMIT), `within +-${WEIGHT_LIMIT}`);
  return found;
}

/** @param {ModelFile} file @param {string} name @param {number[]} shape */
function positive(file, name, shape) {
  const found = /** @type {Float32Array} */ (file.array(name, "F32", shape));
  check(name, found.every((x) => Number.isFinite(x) && x > 0), "positive numbers");
  return found;
}

/** @param {ModelFile} file @param {string} name @param {number[]} shape */
function floats(file, name, shape) {
  const found = /** @type {Float32Array} */ (file.array(name, "F32", shape));
  check(name, found.every(Number.isFinite), "finite numbers");
  return found;
}

/** @param {string} name @param {boolean} holds @param {string} expected */
function check(name, holds, expected) {
  if (!holds) throw new ModelError(`the model file is inconsistent: ${name}`, { expected, got: "others" });
}
