/** Gains that follow texture, in whole numbers. docs/format.md, "Gains". */

import { LATENT_LIMIT } from "./formats.js";

const EIGHTHS = 8;
const STEPS = 4;
const HUNDREDTHS_SQUARED = 100 * 100;

/**
 * The squares from which on texture is 1, 2, ... eighths of an octave above the floor, exactly.
 *
 * @param {number} floor
 */
export function thresholds(floor) {
  const most = floor + 4096 * LATENT_LIMIT ** 2;
  /** @type {number[]} */
  const found = [];
  for (let eighths = 1; eighths < EIGHTHS * 64; eighths++) {
    const power = BigInt(floor) ** BigInt(EIGHTHS) << BigInt(eighths);
    let near = BigInt(Math.max(0, Math.floor(floor * 2 ** (eighths / EIGHTHS)) - 1));
    while (near ** BigInt(EIGHTHS) < power) near++;
    if (Number(near) > most) break;
    found.push(Number(near));
  }
  return found;
}

/**
 * The gain of each position of a tile in quarters of an octave, (height, width).
 *
 * @param {Int32Array} latents (height, width, channels) in sixteenths
 * @param {number} channels
 * @param {number[]} source first channel of the second group, and the one after it
 * @param {number} height
 * @param {number} width
 * @param {{floor: number, power: number, limits: number[]}} gains of a model
 * @param {number} tune
 */
export function gainExponents(latents, channels, [begin, end], height, width, { floor, power, limits }, tune) {
  const octaves = new Int32Array(height * width);
  for (let p = 0; p < octaves.length; p++) {
    let square = floor;
    for (let c = begin; c < end; c++) {
      const x = Math.max(-LATENT_LIMIT, Math.min(LATENT_LIMIT, latents[p * channels + c]));
      square += x * x;
    }
    let [low, high] = [0, limits.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (limits[middle] <= square) low = middle + 1;
      else high = middle;
    }
    octaves[p] = low;
  }
  const whole = HUNDREDTHS_SQUARED * 9 * EIGHTHS;
  const out = new Int32Array(height * width);
  for (let p = 0, i = 0; i < height; i++) {
    for (let j = 0; j < width; j++, p++) {
      let around = 0;
      for (let y = i - 1; y <= i + 1; y++) {
        for (let x = j - 1; x <= j + 1; x++) {
          const row = Math.max(0, Math.min(height - 1, y));
          around += octaves[row * width + Math.max(0, Math.min(width - 1, x))];
        }
      }
      out[p] = Math.floor((2 * STEPS * power * tune * around + whole) / (2 * whole));
    }
  }
  return out;
}

/**
 * A gain from its exponent.
 *
 * @param {number} exponent
 */
export function asFactor(exponent) {
  return Math.fround(2 ** (exponent / STEPS));
}
