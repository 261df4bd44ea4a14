// The loops over many numbers, as WebAssembly with SIMD. JavaScript lays out the memory; nothing is allocated here.

export { begin, digit, marks, symbols, finished } from "./range";
export { predictions, arrange, put, place } from "./passes";
export { dequantize } from "./trellis";
export { layer, depthwise, whole } from "./layers";
export { sums, products, spread, levels } from "./floats";

/** Where the memory that JavaScript may use begins. */
export function heap(): usize {
  return __heap_base;
}
