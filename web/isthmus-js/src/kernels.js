/**
 * What kernels/ exports, described there.
 *
 * @typedef {object} Kernels
 * @property {WebAssembly.Memory} memory
 * @property {() => number} heap
 * @property {(words: number, count: number) => void} begin
 * @property {(bits: number) => number} digit
 * @property {(rarity: number, count: number, out: number) => number} marks
 * @property {(count: number, lefts: number, first: number, out: number) => number} symbols
 * @property {() => number} finished
 * @property {(rows: number, count: number, taps: number, tapCount: number, width: number, weights: number,
 *   outputs: number, unit: number, bias: number, mode: number, residuals: number, outs: number) => void} layer
 * @property {(x: number, count: number, stride: number, channels: number, means: number, scales: number) => void
 *   } predictions
 * @property {(scales: number, marks: number, count: number, channels: number, skipped: number, order: number,
 *   counts: number, begins: number) => void} arrange
 * @property {(symbols: number, order: number, count: number, radius: number, means: number) => void} add
 * @property {(decoded: number, at: number, count: number, channels: number, latents: number, latentStride: number,
 *   features: number, featureStride: number, compand: number) => void} place
 * @property {(out: number, outStride: number, outputs: number, rows: number, shift: number, depth: number,
 *   weights: number, bias: number, length: number, slope: number, added: number, addedStride: number) => void} sums
 * @property {(out: number, rows: number, shift: number, depth: number, weights: number, bias: number, length: number,
 *   slope: number, added: number) => void} sum
 * @property {(operation: number, out: number, a: number, aStep: number, b: number, bStep: number, length: number
 *   ) => void} binary
 * @property {(operation: number, out: number, x: number, length: number) => void} unary
 * @property {(out: number, x: number, rows: number, columns: number) => void} transpose
 * @property {(out: number, outStep: number, x: number, xStep: number, length: number) => void} spread
 * @property {(out: number, x: number, channels: number, stride: number, low: number, high: number, length: number
 *   ) => void} pixels
 */

export {};
