/** Matrices as the kernels take them: filled up with zeros, and outputs that are made at once next to each other. */

/** @typedef {Int8Array | Int16Array | Int32Array | Float32Array} Matrix */

/** Outputs that `layer` of the kernels makes at once: channels are filled up to a multiple. */
const TOGETHER = 8;

/** @param {number} channels */
export function filled(channels) {
  return Math.ceil(channels / TOGETHER) * TOGETHER;
}

/**
 * Pieces of as many numbers as pieces of more, zeros behind those that were there.
 *
 * @template {Matrix} T
 * @param {T} numbers
 * @param {number} size of a piece
 * @param {number} grown what it becomes
 * @returns {T}
 */
export function filledUp(numbers, size, grown) {
  const Kind = /** @type {new (length: number) => T} */ (numbers.constructor);
  const out = new Kind((numbers.length / size) * grown);
  for (let from = 0, to = 0; from < numbers.length; from += size, to += grown) out.set(numbers.subarray(from, from + size), to);
  return out;
}

/**
 * Weights (inputs, outputs) for `layer` of the kernels: (outputs / 8, inputs / 2, 8, 2), outputs filled up.
 *
 * @param {Matrix} matrix
 * @param {number} outputs
 */
export function wholeWeights(matrix, outputs) {
  return inBlocks(matrix, new Int16Array((matrix.length / outputs) * filled(outputs)), outputs, TOGETHER, 2);
}

/**
 * Weights (inputs, outputs) for `sums` and `products` of the kernels: (outputs / 4, inputs, 4), outputs filled up.
 *
 * @param {Matrix} matrix
 * @param {number} outputs
 */
export function floatWeights(matrix, outputs) {
  const size = (matrix.length / outputs) * Math.ceil(outputs / 4) * 4;
  return inBlocks(matrix, new Float32Array(size), outputs, 4, 1);
}

/**
 * @template {Matrix} T
 * @param {Matrix} matrix
 * @param {T} out
 * @param {number} outputs
 * @param {number} block outputs of a block
 * @param {number} pair inputs that stand next to each other
 */
function inBlocks(matrix, out, outputs, block, pair) {
  const depth = matrix.length / outputs;
  for (let k = 0, at = 0; k < depth; k++) {
    for (let m = 0; m < outputs; m++, at++) {
      const begin = Math.floor(m / block) * depth * block + Math.floor(k / pair) * block * pair;
      out[begin + (m % block) * pair + (k % pair)] = matrix[at];
    }
  }
  return out;
}
