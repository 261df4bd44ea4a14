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
 *   outputs: number, unit: number, bias: number, mode: number, residuals: number, outs: number, out: number
 *   ) => void} layer
 * @property {(x: number, count: number, stride: number, channels: number, means: number, scales: number) => void
 *   } predictions
 * @property {(scales: number, marks: number, count: number, channels: number, skipped: number, order: number,
 *   counts: number, begins: number) => void} arrange
 * @property {(found: number, order: number, count: number, radius: number, symbols: number) => void} put
 * @property {(symbols: number, scales: number, count: number, channels: number, first: number, state: number,
 *   means: number) => number} dequantize
 * @property {(decoded: number, at: number, count: number, channels: number, latents: number, latentStride: number,
 *   features: number, featureStride: number, compand: number) => void} place
 * @property {(out: number, x: number, count: number, channels: number, rowBytes: number, weights: number, unit: number,
 *   bias: number, step: number) => void} depthwise
 * @property {(out: number, x: number, count: number, step: number) => void} whole
 * @property {(out: number, outStride: number, outputs: number, rows: number, depth: number, weights: number,
 *   length: number) => void} sums
 * @property {(out: number, outStep: number, x: number, xStep: number, count: number, tapStep: number, taps: number,
 *   width: number, weights: number, outputs: number, bias: number) => void} products
 * @property {(out: number, line: number, step: number, x: number, xLine: number, rows: number, columns: number
 *   ) => void} spread
 * @property {(out: number, x: number, unit: number, count: number) => void} levels
 */

export {};
