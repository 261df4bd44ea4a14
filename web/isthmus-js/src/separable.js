/** Coder 2: tiles to pixels, whole or smaller, part by part. docs/format.md, "Coder 2". */

import { writeFeatures } from "./features.js";
import { MEAN_STEPS } from "./formats.js";
import { asFactor, gainExponents } from "./gains.js";
import { BLOCK, blocksOf, box, grown, isReversed, mirrored, shared } from "./grid.js";
import { SCALE_GROUPS } from "./model.js";
import { filled } from "./packing.js";
import { inverted } from "./transform.js";
import { CorruptError } from "./errors.js";

/** @import { Box, Grid } from "./grid.js" */
/** @import { Container } from "./container.js" */
/** @import { Model } from "./model.js" */

/** @typedef {{latents: Int16Array | Int32Array, exponents: Int32Array, box: Box}} DecodedTile latents in sixteenths */
/** @typedef {{data: Uint8Array, box: Box}} Part pixels (h, w, 3) and their place */

/** @typedef {{latents: Int32Array, exponents: Int32Array}} Seen latents (h, w, channels) in sixteenths, and of their gains (h, w) */

const EDGE = 1;
const MIDDLE = 128;

/** The photo layer of a file. */
export class Photo {
  /**
   * @param {Model} model
   * @param {Container} file
   */
  constructor(model, file) {
    this.model = model;
    this.payloads = file.payloads.T;
    this.grid = file.header.grid;
    this.quality = file.header.quality;
    this.tune = file.header.tune;
    this.dialled = model.dialled(this.quality, this.tune);
    /** @type {Map<number, DecodedTile>} */
    this.tiles = new Map();
  }

  /**
   * Decodes every tile and keeps nothing: throws CorruptError if one is damaged.
   */
  check() {
    for (let index = 0; index < this.grid.count; index++) this.latents(index, this.model.groups.length);
  }

  /**
   * Latents of a tile, of its first groups.
   *
   * @param {number} index
   * @param {number} groups
   */
  latents(index, groups) {
    const { height, width } = blocksOf(this.grid.tileBox(index));
    const { entropy } = this.model;
    return inTile(index, () => entropy.decode(this.payloads[index], height, width, this.quality, this.tune, groups));
  }

  /**
   * @param {number} index
   * @param {number} groups
   * @returns {DecodedTile}
   */
  tile(index, groups) {
    const there = this.tiles.get(index);
    if (there) return there;
    const place = blocksOf(this.grid.tileBox(index));
    const whole = this.latents(index, groups);
    const channels = whole.length / (place.height * place.width);
    const { model, tune } = this;
    const source = [model.groups[0], model.groups[0] + model.groups[1]];
    const exponents =
      model.hasGains(tune) && groups > 2
        ? gainExponents(whole, channels, source, place.height, place.width, model.gains, tune)
        : new Int32Array(place.height * place.width);
    // Nearly always of 16 bits, in half the memory.
    const small = whole.every((x) => x >= -32768 && x <= 32767);
    const tile = { latents: small ? Int16Array.from(whole) : whole, exponents, box: place };
    this.tiles.set(index, tile);
    return tile;
  }

  /**
   * The parts of a box, a tile each, in order.
   *
   * @param {Box} wanted in pixels
   * @returns {Generator<Part>}
   */
  *parts(wanted) {
    const { model } = this;
    yield* this.eachPart(wanted, model.halo, model.groups.length, (around, part) => {
      const { heap, synthesis, latents: channels } = model;
      const [h, w] = [around.height, around.width];
      const seen = this.window(around, [...Array(channels).keys()]);
      const { width, corrected } = synthesis.networks;
      return heap.with((take) => {
        const hidden = take(2 * h * w * filled(width));
        const planes = take(4 * 3 * BLOCK * (h - 1) * BLOCK * (w - 1));
        heap.with((take) => {
          const features = take(2 * h * w * filled(channels + 1));
          const corrections = take(4 * h * w * filled(corrected));
          const coefficients = take(4 * h * w * channels);
          writeFeatures(heap, features, seen, h, w, model.entropy.compand);
          synthesis.atSixteenth(hidden, corrections, features, h, w, this.dialled);
          this.scale(coefficients, seen, corrections);
          model.transform.synthesise(planes, coefficients, h, w);
        });
        const [rows, columns] = [BLOCK * (h - 1), BLOCK * (w - 1)];
        const pixels = take(3 * rows * columns);
        synthesis.onGrid(pixels, planes, hidden, h, w, this.dialled);
        const [top, left] = [part.top - around.top * BLOCK - BLOCK / 2, part.left - around.left * BLOCK - BLOCK / 2];
        return cut(heap.u8(pixels, 3 * rows * columns), columns, top, left, part.height, part.width);
      });
    });
  }

  /**
   * Turns latents into coefficients in nominal steps.
   *
   * @param {number} to f32 (channels, positions)
   * @param {Seen} seen
   * @param {number} corrections f32 (positions, count), filled up
   */
  scale(to, { latents, exponents }, corrections) {
    const { model, dialled } = this;
    const { heap, latents: channels, synthesis } = model;
    const positions = exponents.length;
    const out = heap.f32(to, positions * channels);
    const { corrected } = synthesis.networks;
    const stride = filled(corrected);
    const added = heap.f32(corrections, positions * stride);
    const first = model.groups[0] + model.groups[1];
    const steps = dialled.steps.map((step) => step / (dialled.nominal * MEAN_STEPS));
    const gains = Float32Array.from(exponents, asFactor);
    for (let p = 0; p < positions; p++) {
      for (let c = 0, i = p * channels; c < channels; c++, i++) {
        let value = latents[i] * steps[c];
        if (c < corrected) value += added[p * stride + c];
        out[c * positions + p] = c < first ? value : value * gains[p];
      }
    }
  }

  /**
   * The picture at 1/scale, (ceil(height / scale), ceil(width / scale), 3).
   *
   * @param {number} scale 2, 4, 8 or 16
   */
  scaled(scale) {
    return scale === BLOCK ? this.preview() : this.reduced(scale);
  }

  /** @param {number} scale */
  reduced(scale) {
    const { model, grid, dialled, tune } = this;
    const { heap } = model;
    const { transform, kept } = model.reduced(scale);
    const width = Math.ceil(grid.width / scale);
    const out = new Uint8Array(3 * width * Math.ceil(grid.height / scale));
    const first = model.groups[0] + model.groups[1];
    const groups = Math.min(SCALE_GROUPS[scale], model.groups.length);
    const gained = model.hasGains(tune) && groups > 2;
    for (const { data, box: part } of this.eachPart(grid.box, EDGE, groups, (around, part) => {
      const [h, w] = [around.height, around.width];
      const [rows, columns] = [transform.hop * (h - 1), transform.hop * (w - 1)];
      const [tall, wide] = [Math.ceil(part.height / scale), Math.ceil(part.width / scale)];
      const top = (part.top - around.top * BLOCK - BLOCK / 2) / scale;
      const left = (part.left - around.left * BLOCK - BLOCK / 2) / scale;
      return heap.with((take) => {
        const coefficients = take(4 * h * w * kept.length);
        const planes = take(4 * 3 * rows * columns);
        const bytes = take(3 * rows * columns);
        const { latents, exponents } = this.window(around, kept);
        const x = heap.f32(coefficients, h * w * kept.length);
        const gains = Float32Array.from(exponents, asFactor);
        kept.forEach((c, k) => {
          for (let p = 0, i = k; p < h * w; p++, i += kept.length) {
            // Sixteenths, rounded once the gain is in.
            const own = gained && c >= first ? Math.round(latents[i] * gains[p]) : latents[i];
            x[k * h * w + p] = (own / MEAN_STEPS) * dialled.steps[c];
          }
        });
        transform.synthesise(planes, coefficients, h, w);
        heap.kernels.levels(bytes, planes, 1, 3 * rows * columns);
        return cut(heap.u8(bytes, 3 * rows * columns), columns, top, left, tall, wide);
      });
    })) {
      const [top, left, wide] = [part.top / scale, part.left / scale, Math.ceil(part.width / scale)];
      for (let y = 0; y < data.length / (3 * wide); y++) {
        out.set(data.subarray(3 * y * wide, 3 * (y + 1) * wide), 3 * ((top + y) * width + left));
      }
    }
    return out;
  }

  /** The picture at 1/16: the weighted mean of each block's window. */
  preview() {
    const { model, grid, dialled } = this;
    const out = new Uint8Array(3 * grid.latentHeight * grid.latentWidth);
    // What plain planes have in their DC coefficients, along both axes.
    const plain = model.forward.subarray(0, 2 * BLOCK).reduce((a, b) => a + b) ** 2;
    const rgb = inverted(model.colour);
    const count = model.groups[0];
    for (let index = 0; index < grid.count; index++) {
      const place = blocksOf(grid.tileBox(index));
      const latents = this.latents(index, 1);
      for (let p = 0; p < place.height * place.width; p++) {
        const [i, j] = [Math.floor(p / place.width), p % place.width];
        const to = 3 * ((place.top + i) * grid.latentWidth + place.left + j);
        for (let k = 0; k < 3; k++) {
          let value = MIDDLE;
          for (let c = 0; c < count; c++) {
            value += (latents[p * count + c] / MEAN_STEPS) * dialled.steps[c] * (rgb[3 * k + model.channels[c][0]] / plain);
          }
          out[to + k] = Math.max(0, Math.min(255, Math.round(value)));
        }
      }
    }
    return out;
  }

  /**
   * What is made of each part of a box that lies in a tile of its own.
   *
   * @param {Box} wanted
   * @param {number} margin positions around that have a say
   * @param {number} groups
   * @param {(around: Box, part: Box) => Uint8Array} work
   * @returns {Generator<Part>}
   */
  *eachPart(wanted, margin, groups, work) {
    const { grid } = this;
    const everything = grown(box(0, 0, grid.latentHeight, grid.latentWidth), EDGE);
    const side = grid.tile;
    const [top, left] = [Math.floor(wanted.top / side), Math.floor(wanted.left / side)];
    for (let i = top; i * side < wanted.top + wanted.height; i++) {
      for (let j = left; j * side < wanted.left + wanted.width; j++) {
        const part = shared(box(i * side, j * side, side, side), wanted);
        const around = shared(grown(blocksOf(part), margin), everything);
        for (const index of this.touched(around)) this.tile(index, groups);
        yield { data: work(around, part), box: part };
      }
      // Nothing looks further than one tile around.
      for (const index of this.tiles.keys()) if (Math.floor(index / grid.columns) < i) this.tiles.delete(index);
    }
    this.tiles.clear();
  }

  /**
   * The tiles that a box of positions shows something of, mirrored or not.
   *
   * @param {Box} around
   */
  touched(around) {
    const { grid } = this;
    const side = grid.tile / BLOCK;
    const axis = (/** @type {number} */ begin, /** @type {number} */ count, /** @type {number} */ size) => {
      const found = new Set();
      for (let k = 0; k < count; k++) found.add(Math.floor(mirrored(begin + k, size) / side));
      return [...found];
    };
    const rows = axis(around.top, around.height, grid.latentHeight);
    const columns = axis(around.left, around.width, grid.latentWidth);
    return rows.flatMap((i) => columns.map((j) => i * grid.columns + j));
  }

  /**
   * Puts latents of a box together, beyond the picture's edges their mirror image.
   *
   * @param {Box} around
   * @param {number[]} kept channels
   * @returns {Seen}
   */
  window(around, kept) {
    const { grid, model } = this;
    const side = grid.tile / BLOCK;
    const count = kept.length;
    const latents = new Int32Array(around.height * around.width * count);
    const exponents = new Int32Array(around.height * around.width);
    const channelCount = (/** @type {DecodedTile} */ tile) => tile.latents.length / (tile.box.height * tile.box.width);
    for (let p = 0, y = 0; y < around.height; y++) {
      const row = mirrored(around.top + y, grid.latentHeight);
      const turnedRow = isReversed(around.top + y, grid.latentHeight) ? 1 : 0;
      for (let x = 0; x < around.width; x++, p++) {
        const column = mirrored(around.left + x, grid.latentWidth);
        const turned = isReversed(around.left + x, grid.latentWidth) ? 1 : 0;
        const index = Math.floor(row / side) * grid.columns + Math.floor(column / side);
        const tile = /** @type {DecodedTile} */ (this.tiles.get(index));
        const at = (row - tile.box.top) * tile.box.width + column - tile.box.left;
        const from = at * channelCount(tile);
        exponents[p] = tile.exponents[at];
        for (let k = 0; k < count; k++) latents[p * count + k] = tile.latents[from + kept[k]];
        if (!turned && !turnedRow) continue;
        for (let k = 0; k < count; k++) {
          const [, u, v] = model.channels[kept[k]];
          if ((turnedRow & u & 1) ^ (turned & v & 1)) latents[p * count + k] *= -1;
        }
      }
    }
    return { latents, exponents };
  }
}

/**
 * A rectangle of pixels (rows, columns, 3).
 *
 * @param {Uint8Array} pixels
 * @param {number} columns
 * @param {number} top
 * @param {number} left
 * @param {number} height
 * @param {number} width
 */
function cut(pixels, columns, top, left, height, width) {
  const out = new Uint8Array(3 * height * width);
  for (let y = 0; y < height; y++) {
    const from = 3 * ((top + y) * columns + left);
    out.set(pixels.subarray(from, from + 3 * width), 3 * y * width);
  }
  return out;
}

/**
 * Errors say in which tile they are.
 *
 * @template T
 * @param {number} index
 * @param {() => T} work
 */
function inTile(index, work) {
  try {
    return work();
  } catch (error) {
    if (error instanceof CorruptError) error.message += ` (in tile ${index})`;
    throw error;
  }
}
