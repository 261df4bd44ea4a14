/** A picture's file taken apart: header, metadata, and a payload for each tile. Decodes nothing. */

import { hex, view } from "./bytes.js";
import { checkCrc, readChunks } from "./chunks.js";
import { HUNDREDTHS, WHOLE_TUNE } from "./dials.js";
import { CorruptError, LimitExceededError, NotIsthmusError, TooNewError, TruncatedError } from "./errors.js";
import { Grid } from "./grid.js";
import { LIMITS, MAX_SIDE } from "./limits.js";
import { ALPHA_MODES, ALPHA_OPTIONAL_MODES, MODES, PALETTE_MODES, SAMPLES } from "./modes.js";

/** @import { Envelope } from "./chunks.js" */
/** @import { Limits } from "./limits.js" */

const MAGIC = Uint8Array.of(0x89, 0x49, 0x53, 0x54, 0x48, 0x0d, 0x0a, 0x1a);
const VERSION = 2;
const MIN_HEADER_BYTES = 20;
const FIELDS_BYTES = 26;
const MEDIUM = 1;
/** Of files in which networks show nothing. */
export const NO_CODER = 0;
const CODERS = [NO_CODER, 2];
const CODERS_WITH_TUNE = [2];
const ALPHA = 1;
const LOSSLESS = 2;
const SHARP = 4;
const COLOURS = 3;

/**
 * @typedef {object} Head any file's header
 * @property {number} medium
 * @property {number} coder
 * @property {number} features
 * @property {Uint8Array} fields the medium's own
 * @property {number} size bytes of the header
 */

/**
 * @typedef {object} Header what a picture's header says
 * @property {number} width
 * @property {number} height
 * @property {string} mode Pillow's name of the mode of the picture that was encoded
 * @property {number} quality hundredths, 0 to 10000
 * @property {number} tune hundredths, 0 to 100
 * @property {string} modelId in hex
 * @property {number} coder
 * @property {boolean} hasAlpha
 * @property {boolean} lossless
 * @property {boolean} sharp
 * @property {Grid} grid
 */

/** @typedef {Envelope & {header: Header}} Container */

/**
 * Takes a file apart, checking every byte of its structure.
 *
 * @param {Uint8Array} bytes the whole file
 * @param {Partial<Limits>} [limits]
 * @returns {Container}
 */
export function parse(bytes, limits = {}) {
  const allowed = { ...LIMITS, ...limits };
  const head = readHead(bytes);
  const header = readHeader(head, allowed);
  const tiles = header.grid.count;
  const counts = {
    A: header.hasAlpha && !header.lossless ? tiles : 0,
    T: header.lossless ? 0 : tiles,
    L: header.lossless ? tiles : 0,
    S: header.sharp ? tiles : 0,
  };
  const found = readChunks(bytes, head.size, counts, allowed);
  checkPalette(header, found.metadata.P);
  return { header, ...found };
}

/**
 * @param {Uint8Array} bytes
 * @returns {Head}
 */
function readHead(bytes) {
  const size = headBytes(bytes);
  checkSize(bytes, size);
  const data = view(bytes);
  checkCrc("header", bytes.subarray(0, size - 4), data.getUint32(size - 4, true));
  const [medium, coder] = [bytes[12], bytes[13]];
  return { medium, coder, features: data.getUint16(14, true), fields: bytes.subarray(16, size - 4), size };
}

/**
 * How long the header is, from its first 12 bytes.
 *
 * @param {Uint8Array} bytes
 */
function headBytes(bytes) {
  const found = bytes.subarray(0, MAGIC.length);
  if (!found.every((byte, index) => byte === MAGIC[index])) {
    const details = { expected: `the magic ${hex(MAGIC)}`, got: hex(found) };
    if (found.length >= 5 && found.subarray(0, 5).every((byte, index) => byte === MAGIC[index])) {
      const hint = "Transfer it again in binary mode.";
      throw new CorruptError("the file was changed by a transfer in text mode", { ...details, hint });
    }
    throw new NotIsthmusError("not an .isth file", details);
  }
  checkSize(bytes, 10, MIN_HEADER_BYTES);
  const version = view(bytes).getUint16(8, true);
  if (version > VERSION) {
    const details = { expected: `at most ${VERSION}`, got: version, hint: "Update isthmus." };
    throw new TooNewError("the file's format version is too new", details);
  }
  checkRange("version", version, VERSION, VERSION);
  checkSize(bytes, 12, MIN_HEADER_BYTES);
  const length = view(bytes).getUint16(10, true);
  checkRange("length", length, MIN_HEADER_BYTES, 65535);
  return length;
}

/**
 * @param {Uint8Array} bytes
 * @param {number} needed
 * @param {number} [least] what a message says of a whole header
 */
function checkSize(bytes, needed, least = 0) {
  if (bytes.length < needed) {
    const details = { expected: `${Math.max(needed, least)} bytes`, got: bytes.length };
    throw new TruncatedError("the file ends in its header", details);
  }
}

/**
 * @param {string} name
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
function checkRange(name, value, low, high) {
  if (value < low || value > high) {
    throw new CorruptError(`the header's ${name} is out of range`, { expected: `${low} to ${high}`, got: value });
  }
}

/**
 * @param {string} what
 * @param {number} found
 * @param {number[]} known
 */
function checkKnown(what, found, known) {
  if (!known.includes(found)) {
    const details = { expected: `${what} ${known.join(" or ")}`, got: found, hint: "Update isthmus." };
    throw new TooNewError(`the file's ${what} is unknown`, details);
  }
}

/**
 * Checks what the header says: medium, coder, features, ranges, limits, in this order.
 *
 * @param {Head} head
 * @param {Limits} limits
 * @returns {Header}
 */
function readHeader(head, limits) {
  checkKnown("medium", head.medium, [MEDIUM]);
  checkKnown("coder", head.coder, CODERS);
  if (head.features & ~(ALPHA | LOSSLESS | SHARP)) {
    const got = `0x${head.features.toString(16)}`;
    throw new TooNewError("the file needs features that this version lacks", { got, hint: "Update isthmus." });
  }
  const hasTune = CODERS_WITH_TUNE.includes(head.coder);
  const needed = head.size - head.fields.length + FIELDS_BYTES + (hasTune ? 1 : 0);
  checkRange("length", head.size, needed, 65535);
  const data = view(head.fields);
  const [width, height] = [data.getUint32(0, true), data.getUint32(4, true)];
  const [channels, modeNumber, quality] = [head.fields[8], head.fields[9], data.getUint16(10, true)];
  const modelId = hex(head.fields.subarray(12, 20));
  const [tile, tileCount] = [data.getUint16(20, true), data.getUint32(22, true)];
  const tune = hasTune ? head.fields[FIELDS_BYTES] : WHOLE_TUNE;
  checkRange("width", width, 1, MAX_SIDE);
  checkRange("height", height, 1, MAX_SIDE);
  checkRange("mode", modeNumber, 0, MODES.length - 1);
  checkRange("quality", quality, 0, HUNDREDTHS);
  checkRange("tile size", tile, 1, 65535);
  checkRange("tune", tune, 0, WHOLE_TUNE);
  const mode = MODES[modeNumber];
  const [hasAlpha, lossless, sharp] = [ALPHA, LOSSLESS, SHARP].map((feature) => (head.features & feature) !== 0);
  const samples = lossless ? SAMPLES[mode] : COLOURS;
  checkRange("channels", channels, samples, samples);
  if (lossless && (quality !== HUNDREDTHS || head.coder !== NO_CODER)) {
    throw new CorruptError("a lossless file has neither quality nor coder", { got: `${quality / 100}, ${head.coder}` });
  }
  if (lossless && sharp) throw new CorruptError("a lossless file has no layers", { got: "both feature bits" });
  if (head.coder === NO_CODER && (!/^0+$/.test(modelId) || !(lossless || sharp))) {
    throw new CorruptError("a file without a coder", { expected: "no model, and samples or a sharp layer", got: modelId });
  }
  if (hasAlpha !== ALPHA_MODES.includes(mode) && !ALPHA_OPTIONAL_MODES.includes(mode)) {
    throw new CorruptError(`the mode ${mode} and the alpha bit contradict each other`);
  }
  const grid = new Grid(width, height, tile);
  if (tileCount !== grid.count) {
    throw new CorruptError("the tile count does not fit the size", { expected: grid.count, got: tileCount });
  }
  if (width * height > limits.maxPixels) {
    throw new LimitExceededError("the picture is too large", {
      expected: `at most ${limits.maxPixels} pixels`,
      got: `${width}x${height}`,
      hint: "Raise maxPixels if the file is trusted.",
    });
  }
  // Each costs memory before any is decoded; real tiles have a million pixels, and 256 are one latent.
  const mostTiles = Math.floor(limits.maxPixels / 256);
  if (tileCount > Math.max(1, mostTiles)) {
    throw new LimitExceededError("the picture has too many tiles", { expected: mostTiles, got: tileCount });
  }
  return { width, height, mode, quality, tune, modelId, coder: head.coder, hasAlpha, lossless, sharp, grid };
}

/**
 * Throws CorruptError unless there is a palette where there must be one: 1 to 256 colours.
 *
 * @param {Header} header
 * @param {Uint8Array | undefined} palette
 */
function checkPalette(header, palette) {
  const entry = paletteEntry(header);
  if ((palette === undefined) !== (entry === 0)) {
    throw new CorruptError("the mode and the palette contradict each other");
  }
  if (palette && (palette.length % entry !== 0 || palette.length < entry || palette.length > 256 * entry)) {
    const details = { expected: `1 to 256 times ${entry} bytes`, got: palette.length };
    throw new CorruptError("the palette's size", details);
  }
}

/**
 * Bytes of a colour of the palette, 0 where there is none.
 *
 * @param {Header} header
 */
export function paletteEntry({ lossless, mode, hasAlpha }) {
  if (!lossless || !PALETTE_MODES.includes(mode)) return 0;
  return mode === "P" && hasAlpha ? 4 : 3;
}
