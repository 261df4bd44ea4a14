/** A model in memory: the entropy model, the transform, the networks and the steps of coder 2. */

import { HUNDREDTHS, WHOLE_TUNE } from "./dials.js";
import { EntropyModel } from "./entropy.js";
import { ModelError } from "./errors.js";
import { thresholds } from "./gains.js";
import { BLOCK } from "./grid.js";
import { readModelFile } from "./model-file.js";
import { readNetworks } from "./networks.js";
import { Synthesis } from "./synthesis.js";
import { InverseTransform } from "./transform.js";

/** @import { Heap } from "./heap.js" */

const MAX_LOG_STEP = 20;
const LARGEST_FLOOR = 2 ** 24 - 1;
const LARGEST_POWER = 100;
/** How many groups a smaller picture is decoded from, at most, by its scale. */
export const SCALE_GROUPS = /** @type {Record<number, number>} */ ({ 2: 4, 4: 3, 8: 2 });

export class Model {
  /**
   * @param {Heap} heap
   * @param {Uint8Array} bytes of the model file
   */
  constructor(heap, bytes) {
    const file = readModelFile(bytes);
    this.heap = heap;
    this.groups = file.groups;
    this.points = file.points;
    this.latents = file.groups.reduce((a, b) => a + b);
    this.entropy = new EntropyModel(heap, file);
    const flat = file.array("transform.channels", "U8", [this.latents, 3]);
    this.channels = Array.from({ length: this.latents }, (_, c) => Array.from(flat.slice(3 * c, 3 * c + 3)));
    require("transform.channels", this.channels.every(([q, u, v]) => q < 3 && u < BLOCK && v < BLOCK));
    require("transform.channels", new Set(this.channels.map(String)).size === this.latents);
    const floats = (/** @type {string} */ name, /** @type {number[]} */ ...shape) => {
      const found = /** @type {Float32Array} */ (file.array(name, "F32", shape));
      require(name, found.every(Number.isFinite));
      return found;
    };
    this.forward = floats("transform.forward", BLOCK, 2 * BLOCK);
    this.inverse = floats("transform.inverse", BLOCK, 2 * BLOCK);
    this.colour = floats("transform.colour", 3, 3);
    this.signs = file.array("transform.signs", "I8", [this.latents]);
    require("transform.signs", this.signs.every((sign) => Math.abs(sign) === 1));
    this.nominal = floats("steps.nominal", file.points);
    this.eye = floats("steps.eye", this.latents);
    for (const [name, steps] of /** @type {const} */ ([["steps.nominal", this.nominal], ["steps.eye", this.eye]])) {
      require(name, steps.every((step) => Math.abs(step) < MAX_LOG_STEP));
    }
    const [floor, power] = file.array("gains", "I32", [2]);
    require("gains", floor >= 1 && floor <= LARGEST_FLOOR && power >= 0 && power <= LARGEST_POWER);
    this.gains = { floor, power, limits: thresholds(floor) };
    const networks = readNetworks(file);
    file.close();
    /** Latent positions around a window within which what lies there has a say in its pixels. */
    this.halo = networks.halo;
    this.synthesis = new Synthesis(heap, networks);
    this.transform = new InverseTransform(heap, this.inverse, BLOCK, this.colour, this.channels);
    /** @type {Map<number, {transform: InverseTransform, kept: number[]}>} */
    this.smaller = new Map();
  }

  /**
   * The inverse that makes a picture at 1/scale, and the channels that it knows.
   *
   * @param {number} scale 2, 4 or 8
   */
  reduced(scale) {
    const there = this.smaller.get(scale);
    if (there) return there;
    const [frequencies, hop] = [BLOCK / scale, BLOCK / scale];
    const count = this.groups.slice(0, SCALE_GROUPS[scale]).reduce((a, b) => a + b);
    const kept = [...Array(count).keys()].filter((c) => this.channels[c][1] < frequencies && this.channels[c][2] < frequencies);
    const inverse = new Float32Array(frequencies * 2 * hop);
    for (let u = 0; u < frequencies; u++) {
      for (let x = 0; x < 2 * BLOCK; x++) {
        inverse[u * 2 * hop + Math.floor(x / scale)] += this.inverse[u * 2 * BLOCK + x] / scale;
      }
    }
    const channels = kept.map((c) => this.channels[c]);
    const made = { transform: new InverseTransform(this.heap, inverse, hop, this.colour, channels), kept };
    this.smaller.set(scale, made);
    return made;
  }

  /**
   * What the dials say: the weights of the quality points and tune's share, the nominal step, the step of each channel
   * in grey levels with the sign of its latents.
   *
   * @param {number} quality
   * @param {number} tune
   */
  dialled(quality, tune) {
    const place = (quality * (this.points - 1)) / HUNDREDTHS;
    const weights = Float32Array.from(this.nominal, (_, k) => Math.max(0, 1 - Math.abs(k - place)));
    const share = tune / WHOLE_TUNE;
    const nominal = Math.exp(weights.reduce((sum, weight, k) => sum + weight * this.nominal[k], 0));
    const steps = Float32Array.from(this.eye, (log, c) => nominal * Math.exp(share * log) * this.signs[c]);
    return { weights, share, nominal, steps };
  }

  /** Whether gains are anything but 1 under a tune. @param {number} tune */
  hasGains(tune) {
    return this.groups.length > 2 && tune > 0 && this.gains.power > 0;
  }
}

/** @param {string} name @param {boolean} holds */
function require(name, holds) {
  if (!holds) throw new ModelError(`the model file is inconsistent: ${name}`);
}
