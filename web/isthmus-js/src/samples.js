/** Samples of a tile without loss, and transparency: payloads to bytes. docs/format.md, "Alpha" and "Samples". */

import { hex } from "./bytes.js";
import { CorruptError } from "./errors.js";
import { decodeLzma } from "./lzma.js";
import { decodeVp8l } from "./vp8l.js";

const CONSTANT = 0;
const VP8L = 1;
const LZMA = 2;
const TURNED = 4;
const COLUMNS = 1;
const ROWS = 2;
const COLOURS = 4;
/** Which bits of a pixel 0xAARRGGBB the samples are, by how many there are. */
const SHIFTS = [[], [8], [8, 24], [16, 8, 0], [16, 8, 0, 24]];

/**
 * The samples (height, width, count) of a payload.
 *
 * @param {Uint8Array} payload
 * @param {number} height
 * @param {number} width
 * @param {number} count samples of a pixel, 1 to 4
 * @returns {Uint8Array}
 */
export function decodeSamples(payload, height, width, count) {
  const size = height * width * count;
  const rest = payload.subarray(1);
  if (payload[0] === CONSTANT && rest.length === count) return new Uint8Array(size).map((_, i) => rest[i % count]);
  if (payload[0] === VP8L) return planes(decodeVp8l(rest, height, width, "a payload of samples"), SHIFTS[count]);
  if (payload[0] === TURNED && rest[0] > 0 && rest[0] < (count > 2 ? 8 : 4)) {
    const pixels = decodeVp8l(rest.subarray(1), height, width, "a payload of samples");
    return turned(planes(pixels, SHIFTS[count]), height, width, count, rest[0]);
  }
  if (payload[0] === LZMA) {
    const found = decodeLzma(rest, size);
    if (!found) throw new CorruptError("a payload of samples cannot be decompressed", { expected: `${size} bytes` });
    return found;
  }
  throw new CorruptError("a payload of samples is of no known kind", { got: hex(payload.subarray(0, 8)) });
}

/**
 * The transparency (height, width) of a payload.
 *
 * @param {Uint8Array} payload
 * @param {number} height
 * @param {number} width
 * @returns {Uint8Array}
 */
export function decodeAlpha(payload, height, width) {
  if (payload.length === 2 && payload[0] === CONSTANT) return new Uint8Array(height * width).fill(payload[1]);
  if (payload.length < 2 || payload[0] !== VP8L) {
    throw new CorruptError("an alpha payload is of no known kind", { got: hex(payload.subarray(0, 8)) });
  }
  return planes(decodeVp8l(payload.subarray(1), height, width, "an alpha payload"), SHIFTS[1]);
}

/** @param {Uint32Array} pixels @param {number[]} shifts */
function planes(pixels, shifts) {
  const out = new Uint8Array(pixels.length * shifts.length);
  for (let p = 0, i = 0; p < pixels.length; p++) for (const shift of shifts) out[i++] = pixels[p] >>> shift;
  return out;
}

/**
 * Samples (height, width, count) from another order.
 *
 * @param {Uint8Array} samples
 * @param {number} height
 * @param {number} width
 * @param {number} count
 * @param {number} order
 */
function turned(samples, height, width, count, order) {
  const out = new Uint8Array(samples.length);
  for (let i = 0, to = 0; i < height; i++) {
    const y = order & ROWS ? height - 1 - i : i;
    for (let j = 0; j < width; j++) {
      const from = (y * width + (order & COLUMNS ? width - 1 - j : j)) * count;
      for (let k = 0; k < count; k++) out[to++] = samples[from + (order & COLOURS && k < 3 ? 2 - k : k)];
    }
  }
  return out;
}
