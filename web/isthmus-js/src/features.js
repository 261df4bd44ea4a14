/** What the network at 1/16 sees of latents. docs/format.md, "Networks", "Features". */

import { companded, meanAround } from "./companding.js";
import { DC_CHANNELS, FEATURE_LIMIT } from "./formats.js";
import { filled } from "./packing.js";

/** @import { Heap } from "./heap.js" */
/** @import { Seen } from "./separable.js" */

/** A quarter of an octave, which exponents of gains count, in units of features. */
const QUARTER = 4;

/**
 * Features in sixteenths: latents companded, and the gain last.
 *
 * @param {Heap} heap
 * @param {number} to i16 (h, w, channels + 1), filled up
 * @param {Seen} seen
 * @param {number} h
 * @param {number} w
 * @param {Int16Array} compand
 */
export function writeFeatures(heap, to, { latents, exponents }, h, w, compand) {
  const channels = latents.length / (h * w);
  const stride = filled(channels + 1);
  const out = heap.i16(to, h * w * stride).fill(0);
  for (let p = 0, i = 0; i < h; i++) {
    for (let j = 0; j < w; j++, p++) {
      for (let c = 0; c < channels; c++) {
        const mean = c < DC_CHANNELS ? meanAround(latents, channels, c, i, j, h, w) : 0;
        out[p * stride + c] = companded(compand, latents[p * channels + c] - mean);
      }
      out[p * stride + channels] = Math.min(QUARTER * exponents[p], FEATURE_LIMIT);
    }
  }
}
