/** What networks see of latents, whichever network it is. docs/format.md, "Latents" and "Features". */

import { LATENT_LIMIT } from "./formats.js";

/**
 * A latent in sixteenths as the feature that it enters a network as.
 *
 * @param {Int16Array} compand of each magnitude
 * @param {number} latent
 */
export function companded(compand, latent) {
  const feature = compand[Math.min(Math.abs(latent), LATENT_LIMIT)];
  return latent < 0 ? -feature : feature;
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
