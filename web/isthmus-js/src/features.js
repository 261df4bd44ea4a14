/** What the network at 1/16 sees of latents. docs/format.md, "Networks", "Features". */

import { filled } from "./packing.js";

/** @import { Heap } from "./heap.js" */
/** @import { Seen } from "./separable.js" */

const LATENT_LIMIT = 1 << 15;
const LARGEST = 127;
/** Of the exponent of a gain, which is in quarters of an octave. */
const SIXTEENTHS = 4;
/** Channels of which what differs from their mean around is seen. */
const DC_CHANNELS = 3;

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
        const own = latents[p * channels + c] - (c < DC_CHANNELS ? meanAround(latents, channels, c, i, j, h, w) : 0);
        const companded = compand[Math.min(Math.abs(own), LATENT_LIMIT)];
        out[p * stride + c] = own < 0 ? -companded : companded;
      }
      out[p * stride + channels] = Math.min(SIXTEENTHS * exponents[p], LARGEST);
    }
  }
}

/**
 * The mean of the 3x3 positions around one that there are, rounded down.
 *
 * @param {Int32Array} latents (h, w, channels)
 * @param {number} channels
 * @param {number} c
 * @param {number} i
 * @param {number} j
 * @param {number} h
 * @param {number} w
 */
export function meanAround(latents, channels, c, i, j, h, w) {
  let [sum, count] = [0, 0];
  for (let y = Math.max(0, i - 1); y <= Math.min(h - 1, i + 1); y++) {
    for (let x = Math.max(0, j - 1); x <= Math.min(w - 1, j + 1); x++) {
      sum += latents[(y * w + x) * channels + c];
      count++;
    }
  }
  return Math.floor(sum / count);
}
