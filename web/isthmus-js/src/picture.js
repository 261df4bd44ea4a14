/** A picture's file to pixels: red, green, blue and transparency of the whole, a part of it, or a smaller one. */

import { NO_CODER, paletteEntry, parse } from "./container.js";
import { CorruptError, InputError, MissingExtraError, TooNewError } from "./errors.js";
import { TILE, box, meets, shared } from "./grid.js";
import { GREY_MODES, SAMPLES } from "./modes.js";
import { decodeAlpha, decodeSamples } from "./samples.js";
import { Photo } from "./separable.js";
import { SharpLayer, reduced } from "./sharp.js";

/** @import { Container } from "./container.js" */
/** @import { Box } from "./grid.js" */
/** @import { Limits } from "./limits.js" */
/** @import { Model } from "./model.js" */
/** @import { DecodeAvif } from "./sharp.js" */

const LOSSLESS_TILE = 2048;
const SCALES = [1, 2, 4, 8, 16];
const PLAUSIBLE_PIXELS_PER_BYTE = 1000;
/** Modes of lossless files whose samples are no colours of a screen, nor an index of them. */
const NOT_SHOWN = ["CMYK", "YCbCr", "LAB", "HSV"];

/**
 * @typedef {object} Means what decoding needs beside the file
 * @property {(id: string) => Promise<Model>} findModel the model of an id in hex; throws UnknownModelError
 * @property {DecodeAvif} [decodeAvif] what decodes AVIF here, if something does
 */

/**
 * @typedef {object} Options
 * @property {number} [scale] 1, 2, 4, 8 or 16: pixels of the picture for one of what is decoded, along a side
 * @property {[number, number, number, number]} [crop] x, y, width and height in pixels; not with a scale
 * @property {Partial<Limits>} [limits]
 */

/** @typedef {{width: number, height: number, data: Uint8ClampedArray<ArrayBuffer>, icc: Uint8Array | undefined}} Decoded RGBA, not premultiplied */

/**
 * @param {Uint8Array} bytes the whole file
 * @param {Means} means
 * @param {Options} [options]
 * @returns {Promise<Decoded>}
 */
export async function decodePicture(bytes, means, { scale = 1, crop, limits } = {}) {
  const file = parse(bytes, limits);
  const { header } = file;
  if (!SCALES.includes(scale)) throw new InputError("the scale", { expected: `one of ${SCALES}`, got: scale });
  if (crop && scale !== 1) throw new InputError("a crop is of the whole picture", { expected: "scale 1", got: scale });
  const place = crop ? boxIn(crop, header) : header.grid.box;
  const data = header.lossless ? lossless(file, place, scale) : await lossy(file, place, scale, means, bytes.length);
  const [width, height] = [Math.ceil(place.width / scale), Math.ceil(place.height / scale)];
  return { width, height, data, icc: header.mode === "CMYK" ? undefined : file.metadata.I };
}

/** @param {[number, number, number, number]} crop @param {{width: number, height: number}} header */
function boxIn(crop, { width, height }) {
  const [x, y, columns, rows] = crop;
  const whole = crop.length === 4 && crop.every(Number.isInteger);
  if (!whole || x < 0 || y < 0 || columns < 1 || rows < 1 || x + columns > width || y + rows > height) {
    throw new InputError("the crop (x, y, width, height)", { expected: `within ${width}x${height}`, got: crop });
  }
  return box(y, x, rows, columns);
}

/** @param {number} found @param {number} expected */
function checkTile(found, expected) {
  if (found !== expected) throw new TooNewError("the tile size is unknown", { expected, got: found });
}

/**
 * @param {Container} file
 * @param {Box} place
 * @param {number} scale
 * @param {Means} means
 * @param {number} size bytes of the file
 */
async function lossy(file, place, scale, means, size) {
  const { header, payloads } = file;
  const { grid } = header;
  checkTile(grid.tile, TILE);
  const sharp = header.sharp ? new SharpLayer(payloads.S, grid, means.decodeAvif) : undefined;
  const [tall, wide] = [Math.ceil(place.height / scale), Math.ceil(place.width / scale)];
  let photo;
  if (!sharp?.isEverywhere) {
    if (header.coder === NO_CODER) {
      throw new CorruptError("a file without a coder", { expected: "a sharp layer everywhere", got: "gaps" });
    }
    photo = new Photo(await means.findModel(header.modelId), file);
    // No memory should grow to a huge picture before every byte has been believed.
    if (grid.count > 1 && header.width * header.height > PLAUSIBLE_PIXELS_PER_BYTE * size) photo.check();
  }
  let rgb = new Uint8Array(3 * tall * wide);
  if (photo && scale > 1) rgb = photo.scaled(scale);
  else if (photo && (!sharp || sharp.isOpen(place))) {
    for (const { data, box: part } of photo.parts(place)) {
      for (let y = 0; y < part.height; y++) {
        const to = 3 * ((part.top - place.top + y) * wide + part.left - place.left);
        rgb.set(data.subarray(3 * y * part.width, 3 * (y + 1) * part.width), to);
      }
    }
  }
  if (sharp && scale > 1) await sharp.showReduced(rgb, scale);
  else if (sharp) await sharp.show(rgb, place);
  const out = new Uint8ClampedArray(4 * tall * wide);
  const grey = GREY_MODES.includes(header.mode);
  for (let p = 0; p < tall * wide; p++) {
    let [r, g, b] = [rgb[3 * p], rgb[3 * p + 1], rgb[3 * p + 2]];
    if (grey) {
      const luma = (19595 * r + 38470 * g + 7471 * b + 32768) >> 16;
      r = g = b = header.mode === "1" ? (luma < 128 ? 0 : 255) : luma;
    }
    out[4 * p] = r;
    out[4 * p + 1] = g;
    out[4 * p + 2] = b;
    out[4 * p + 3] = 255;
  }
  if (header.hasAlpha) putAlpha(out, file, place, scale);
  return out;
}

/**
 * @param {Uint8ClampedArray} out
 * @param {Container} file
 * @param {Box} place
 * @param {number} scale
 */
function putAlpha(out, { header, payloads }, place, scale) {
  const wide = Math.ceil(place.width / scale);
  payloads.A.forEach((payload, index) => {
    const tile = header.grid.tileBox(index);
    if (!meets(tile, place)) return;
    const whole = decodeAlpha(payload, tile.height, tile.width);
    const plane = scale === 1 ? whole : reduced(whole, tile.height, tile.width, 1, scale);
    const both = shared(tile, place);
    const columns = Math.ceil(tile.width / scale);
    for (let y = 0; y < Math.ceil(both.height / scale); y++) {
      for (let x = 0; x < Math.ceil(both.width / scale); x++) {
        const from = ((both.top - tile.top) / scale + y) * columns + (both.left - tile.left) / scale + x;
        out[4 * (((both.top - place.top) / scale + y) * wide + (both.left - place.left) / scale + x) + 3] = plane[from];
      }
    }
  });
}

/**
 * @param {Container} file
 * @param {Box} place
 * @param {number} scale
 */
function lossless(file, place, scale) {
  const { header, payloads } = file;
  const { grid, mode } = header;
  checkTile(grid.tile, LOSSLESS_TILE);
  const count = SAMPLES[mode];
  const [tall, wide] = [Math.ceil(place.height / scale), Math.ceil(place.width / scale)];
  const out = new Uint8ClampedArray(4 * tall * wide);
  payloads.L.forEach((payload, index) => {
    const tile = grid.tileBox(index);
    if (!meets(tile, place)) return;
    const samples = decodeSamples(payload, tile.height, tile.width, count);
    if (NOT_SHOWN.includes(mode)) return;
    const shown = coloured(samples, count, mode, file.metadata.P, paletteEntry(header));
    const own = scale === 1 ? shown : reduced(shown, tile.height, tile.width, 4, scale);
    const both = shared(tile, place);
    const columns = Math.ceil(tile.width / scale);
    const across = Math.ceil(both.width / scale);
    for (let y = 0; y < Math.ceil(both.height / scale); y++) {
      const from = 4 * (((both.top - tile.top) / scale + y) * columns + (both.left - tile.left) / scale);
      const to = 4 * (((both.top - place.top) / scale + y) * wide + (both.left - place.left) / scale);
      out.set(own.subarray(from, from + 4 * across), to);
    }
  });
  if (NOT_SHOWN.includes(mode)) {
    throw new MissingExtraError(`colours of the mode ${mode} are not shown here`, { hint: "isthmus decode does." });
  }
  return out;
}

/**
 * Samples (pixels, count) of a mode as red, green, blue and transparency.
 *
 * @param {Uint8Array} samples
 * @param {number} count
 * @param {string} mode
 * @param {Uint8Array | undefined} palette
 * @param {number} entry bytes of a colour of the palette
 */
function coloured(samples, count, mode, palette, entry) {
  const out = new Uint8Array((4 * samples.length) / count);
  for (let i = 0, p = 0; i < samples.length; i += count, p += 4) {
    const [a, b] = [samples[i], samples[i + 1]];
    if (palette) {
      for (let k = 0; k < 3; k++) out[p + k] = palette[a * entry + k] ?? 0;
      out[p + 3] = mode === "PA" ? b : entry === 4 ? (palette[a * entry + 3] ?? 255) : 255;
    } else if (count < 3) {
      out.fill(mode === "1" ? (a < 128 ? 0 : 255) : a, p, p + 3);
      out[p + 3] = count === 2 ? b : 255;
    } else {
      out.set(samples.subarray(i, i + 3), p);
      out[p + 3] = mode === "RGBA" || mode === "RGBa" ? samples[i + 3] : 255;
    }
    if (mode === "RGBa" || mode === "La") {
      const alpha = out[p + 3];
      for (let k = 0; k < 3 && alpha; k++) out[p + k] = Math.min(255, Math.floor((255 * out[p + k]) / alpha));
    }
  }
  return out;
}

