/** WebP lossless (VP8L) bitstreams: RFC 9649, section 3. Browsers decode them too, but not what is transparent, and Node not at all. */

import { CorruptError } from "./errors.js";

const SIGNATURE = 0x2f;
const FRONT_BYTES = 5;
const LENGTH_ORDER = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const LENGTHS = 256;
const PREFIXES = 24;
const DISTANCES = 40;
const MAX_CODE_BITS = 15;
const PREDICTOR = 0;
const COLOUR = 1;
const SUBTRACT_GREEN = 2;
const INDEXING = 3;
const MULTIPLIER = 0x1e35a7bd;
// Places of the 120 nearest pixels, (x, y) up and to the left, as in the RFC.
const NEAR = (
  "0,1 1,0 1,1 -1,1 0,2 2,0 1,2 -1,2 2,1 -2,1 2,2 -2,2 0,3 3,0 1,3 -1,3 3,1 -3,1 2,3 -2,3 3,2 -3,2 0,4 4,0 1,4 -1,4 4,1 " +
  "-4,1 3,3 -3,3 2,4 -2,4 4,2 -4,2 0,5 3,4 -3,4 4,3 -4,3 5,0 1,5 -1,5 5,1 -5,1 2,5 -2,5 5,2 -5,2 4,4 -4,4 3,5 -3,5 5,3 " +
  "-5,3 0,6 6,0 1,6 -1,6 6,1 -6,1 2,6 -2,6 6,2 -6,2 4,5 -4,5 5,4 -5,4 3,6 -3,6 6,3 -6,3 0,7 7,0 1,7 -1,7 5,5 -5,5 7,1 " +
  "-7,1 4,6 -4,6 6,4 -6,4 2,7 -2,7 7,2 -7,2 3,7 -3,7 7,3 -7,3 5,6 -5,6 6,5 -6,5 8,0 4,7 -4,7 7,4 -7,4 8,1 8,2 6,6 -6,6 " +
  "8,3 5,7 -5,7 7,5 -7,5 8,4 6,7 -6,7 7,6 -7,6 8,5 7,7 -7,7 8,6 8,7"
)
  .split(" ")
  .map((pair) => pair.split(",").map(Number));

/** @typedef {{counts: Uint16Array, symbols: Uint16Array, only: number}} Code a prefix code; `only` is its one symbol, or -1 */

/**
 * The pixels of a bitstream, as 0xAARRGGBB.
 *
 * @param {Uint8Array} bitstream
 * @param {number} height that it must have
 * @param {number} width
 * @param {string} what holds the bitstream, for messages
 * @returns {Uint32Array}
 */
export function decodeVp8l(bitstream, height, width, what) {
  if (bitstream.length <= FRONT_BYTES) {
    throw new CorruptError(`${what} ends early`, { expected: `more than ${FRONT_BYTES} bytes`, got: bitstream.length });
  }
  const bits = new Bits(bitstream, what);
  const signature = bits.take(8);
  const found = [bits.take(14) + 1, bits.take(14) + 1];
  const isOpaque = !bits.take(1);
  const version = bits.take(3);
  // Checked here, so that nothing is allocated for another size than ours.
  if (signature !== SIGNATURE || found[0] !== width || found[1] !== height) {
    throw new CorruptError(`${what} has the wrong size`, { expected: `${width}x${height}`, got: found.join("x") });
  }
  if (version !== 0) throw bits.damaged();
  const pixels = decodeImage(bits, width, height);
  // Whatever is coded, as libwebp takes it.
  return isOpaque ? pixels.map((pixel) => (pixel | 0xff000000) >>> 0) : pixels;
}

class Bits {
  /** @param {Uint8Array} bytes @param {string} what */
  constructor(bytes, what) {
    this.bytes = bytes;
    this.what = what;
    this.at = 0; // in bits
    // Wrapped as a WebP file, as Python reads it, a bitstream of odd length is followed by a zero.
    this.end = 8 * (bytes.length + (bytes.length % 2));
  }

  damaged() {
    return new CorruptError(`${this.what} cannot be decoded`);
  }

  /** The next bits, up to 24. @param {number} count */
  take(count) {
    const value = this.peek() & ((1 << count) - 1);
    this.at += count;
    if (this.at > this.end) throw this.damaged();
    return value;
  }

  /** At least 24 bits that come; zeros beyond the end. */
  peek() {
    const { bytes } = this;
    const byte = this.at >>> 3;
    const low = bytes[byte] | (bytes[byte + 1] << 8) | (bytes[byte + 2] << 16) | (bytes[byte + 3] << 24);
    return low >>> (this.at & 7);
  }

  /** The next symbol of a code. @param {Code} code */
  symbol(code) {
    if (code.only >= 0) return code.only;
    let [place, first, index] = [0, 0, 0];
    const ahead = this.peek();
    for (let length = 1; length <= MAX_CODE_BITS; length++) {
      place |= (ahead >>> (length - 1)) & 1;
      const count = code.counts[length];
      if (place - first < count) {
        this.at += length;
        if (this.at > this.end) throw this.damaged();
        return code.symbols[index + place - first];
      }
      index += count;
      first = (first + count) << 1;
      place <<= 1;
    }
    throw this.damaged();
  }
}

/** @param {Bits} bits @param {number} width @param {number} height */
function decodeImage(bits, width, height) {
  /** @type {((pixels: Uint32Array<ArrayBuffer>) => Uint32Array<ArrayBuffer>)[]} */
  const undo = [];
  const seen = new Set();
  let wide = width;
  while (bits.take(1)) {
    const kind = bits.take(2);
    if (seen.has(kind)) throw bits.damaged();
    seen.add(kind);
    const columns = wide;
    if (kind === PREDICTOR || kind === COLOUR) {
      const size = bits.take(3) + 2;
      const across = Math.ceil(columns / (1 << size));
      const modes = decodePixels(bits, across, Math.ceil(height / (1 << size)), false);
      const work = kind === PREDICTOR ? unpredict : uncolour;
      undo.push((pixels) => work(pixels, columns, height, modes, size, across));
    } else if (kind === SUBTRACT_GREEN) {
      undo.push((pixels) =>
        pixels.map((pixel) => {
          const green = (pixel >>> 8) & 255;
          const [red, blue] = [((pixel >>> 16) + green) & 255, (pixel + green) & 255];
          return ((pixel & 0xff00ff00) | (red << 16) | blue) >>> 0;
        }),
      );
    } else {
      const count = bits.take(8) + 1;
      const palette = decodePixels(bits, count, 1, false);
      for (let i = 1; i < count; i++) palette[i] = sum(palette[i], palette[i - 1]);
      const packing = count <= 2 ? 3 : count <= 4 ? 2 : count <= 16 ? 1 : 0;
      wide = Math.ceil(columns / (1 << packing));
      const packed = wide;
      undo.push((pixels) => unindex(pixels, columns, height, packed, palette, packing));
    }
  }
  let pixels = decodePixels(bits, wide, height, true);
  for (const work of undo.reverse()) pixels = work(pixels);
  return pixels;
}

/** The sums of four bytes each. @param {number} a @param {number} b */
function sum(a, b) {
  const odd = (a & 0xff00ff00) + (b & 0xff00ff00);
  const even = (a & 0x00ff00ff) + (b & 0x00ff00ff);
  return ((odd & 0xff00ff00) | (even & 0x00ff00ff)) >>> 0;
}

/** @param {Bits} bits @param {number} width @param {number} height @param {boolean} main */
function decodePixels(bits, width, height, main) {
  const hasCache = bits.take(1) === 1;
  const cacheBits = hasCache ? bits.take(4) : 0;
  if (hasCache && (cacheBits < 1 || cacheBits > 11)) throw bits.damaged();
  const cacheSize = cacheBits ? 1 << cacheBits : 0;
  /** @type {Uint32Array | undefined} */
  let groupsAt;
  let [size, across, groups] = [0, 0, 1];
  if (main && bits.take(1)) {
    size = bits.take(3) + 2;
    across = Math.ceil(width / (1 << size));
    groupsAt = decodePixels(bits, across, Math.ceil(height / (1 << size)), false).map((pixel) => (pixel >>> 8) & 0xffff);
    groups = groupsAt.reduce((a, b) => Math.max(a, b), 0) + 1;
  }
  const alphabet = [LENGTHS + PREFIXES + cacheSize, 256, 256, 256, DISTANCES];
  const codes = Array.from({ length: groups }, () => alphabet.map((symbols) => readCode(bits, symbols)));
  const pixels = new Uint32Array(width * height);
  const cache = new Uint32Array(cacheSize);
  let cached = 0;
  const remember = (/** @type {number} */ end) => {
    for (; cacheSize && cached < end; cached++) cache[Math.imul(MULTIPLIER, pixels[cached]) >>> (32 - cacheBits)] = pixels[cached];
  };
  for (let at = 0; at < pixels.length; ) {
    const group = groupsAt ? groupsAt[(Math.floor(at / width) >> size) * across + ((at % width) >> size)] : 0;
    const [green, red, blue, alpha, distances] = codes[group];
    const code = bits.symbol(green);
    if (code < LENGTHS) {
      const r = bits.symbol(red);
      const b = bits.symbol(blue);
      pixels[at++] = ((bits.symbol(alpha) << 24) | (r << 16) | (code << 8) | b) >>> 0;
    } else if (code < LENGTHS + PREFIXES) {
      const length = prefixed(bits, code - LENGTHS);
      const place = prefixed(bits, bits.symbol(distances));
      const [x, y] = NEAR[place - 1] ?? [0, 0];
      const back = place > NEAR.length ? place - NEAR.length : Math.max(1, x + y * width);
      if (back > at || length > pixels.length - at) throw bits.damaged();
      for (let i = 0; i < length; i++, at++) pixels[at] = pixels[at - back];
    } else {
      remember(at);
      pixels[at++] = cache[code - LENGTHS - PREFIXES];
    }
  }
  return pixels;
}

/** A length or a distance: a prefix and more bits. @param {Bits} bits @param {number} prefix */
function prefixed(bits, prefix) {
  if (prefix < 4) return prefix + 1;
  const extra = (prefix - 2) >> 1;
  return ((2 + (prefix & 1)) << extra) + bits.take(extra) + 1;
}

/** @param {Bits} bits @param {number} alphabet @returns {Code} */
function readCode(bits, alphabet) {
  const lengths = new Uint8Array(alphabet);
  if (bits.take(1)) {
    const two = bits.take(1);
    const symbols = [bits.take(bits.take(1) ? 8 : 1)];
    if (two) symbols.push(bits.take(8));
    // As in libwebp, those that are in no alphabet count for nothing.
    for (const symbol of symbols) if (symbol < alphabet) lengths[symbol] = 1;
    return codeOf(bits, lengths);
  }
  const ofLengths = new Uint8Array(LENGTH_ORDER.length);
  const count = bits.take(4) + 4;
  for (let i = 0; i < count; i++) ofLengths[LENGTH_ORDER[i]] = bits.take(3);
  const code = codeOf(bits, ofLengths);
  let left = alphabet;
  if (bits.take(1)) {
    left = 2 + bits.take(2 + 2 * bits.take(3));
    if (left > alphabet) throw bits.damaged();
  }
  let before = 8;
  for (let at = 0; at < alphabet && left > 0; left--) {
    const symbol = bits.symbol(code);
    if (symbol < 16) {
      lengths[at++] = symbol;
      if (symbol) before = symbol;
      continue;
    }
    const repeat = symbol === 16 ? 3 + bits.take(2) : symbol === 17 ? 3 + bits.take(3) : 11 + bits.take(7);
    if (at + repeat > alphabet) throw bits.damaged();
    lengths.fill(symbol === 16 ? before : 0, at, at + repeat);
    at += repeat;
  }
  return codeOf(bits, lengths);
}

/** @param {Bits} bits @param {Uint8Array} lengths @returns {Code} */
function codeOf(bits, lengths) {
  const counts = new Uint16Array(MAX_CODE_BITS + 1);
  for (const length of lengths) counts[length]++;
  const used = lengths.length - counts[0];
  counts[0] = 0;
  if (used === 0) throw bits.damaged();
  if (used === 1) return { counts, symbols: new Uint16Array(0), only: lengths.findIndex((length) => length > 0) };
  let left = 1;
  for (let length = 1; length <= MAX_CODE_BITS; length++) left = 2 * left - counts[length];
  if (left !== 0) throw bits.damaged();
  const symbols = new Uint16Array(used);
  const at = new Uint16Array(MAX_CODE_BITS + 2);
  for (let length = 1; length <= MAX_CODE_BITS; length++) at[length + 1] = at[length] + counts[length];
  lengths.forEach((length, symbol) => {
    if (length) symbols[at[length]++] = symbol;
  });
  return { counts, symbols, only: -1 };
}

/**
 * @param {Uint32Array<ArrayBuffer>} pixels
 * @param {number} width
 * @param {number} height
 * @param {Uint32Array} modes
 * @param {number} size
 * @param {number} across
 */
function unpredict(pixels, width, height, modes, size, across) {
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      let predicted = 0xff000000;
      if (y === 0 && x > 0) predicted = pixels[at - 1];
      else if (y > 0 && x === 0) predicted = pixels[at - width];
      else if (y > 0) {
        const mode = (modes[(y >> size) * across + (x >> size)] >>> 8) & 15;
        const [left, top] = [pixels[at - 1], pixels[at - width]];
        // Of the last column, the one above right is the first of this row.
        predicted = prediction(mode, left, top, pixels[at - width - 1], pixels[at - width + 1]);
      }
      pixels[at] = sum(pixels[at], predicted);
    }
  }
  return pixels;
}

/** @param {number} a @param {number} b */
function mean(a, b) {
  return ((((a ^ b) & 0xfefefefe) >>> 1) + (a & b)) >>> 0;
}

/**
 * @param {number} mode
 * @param {number} left
 * @param {number} top
 * @param {number} topLeft
 * @param {number} topRight
 */
function prediction(mode, left, top, topLeft, topRight) {
  switch (mode) {
    case 1: return left;
    case 2: return top;
    case 3: return topRight;
    case 4: return topLeft;
    case 5: return mean(mean(left, topRight), top);
    case 6: return mean(left, topLeft);
    case 7: return mean(left, top);
    case 8: return mean(topLeft, top);
    case 9: return mean(top, topRight);
    case 10: return mean(mean(left, topLeft), mean(top, topRight));
    case 11: {
      let [toLeft, toTop] = [0, 0];
      for (let shift = 0; shift < 32; shift += 8) {
        const byte = (/** @type {number} */ pixel) => (pixel >>> shift) & 255;
        toLeft += Math.abs(byte(top) - byte(topLeft));
        toTop += Math.abs(byte(left) - byte(topLeft));
      }
      return toLeft < toTop ? left : top;
    }
    case 12: return eachByte((shift) => ((left >>> shift) & 255) + ((top >>> shift) & 255) - ((topLeft >>> shift) & 255));
    case 13: {
      const middle = mean(left, top);
      return eachByte((shift) => {
        const own = (middle >>> shift) & 255;
        return own + Math.trunc((own - ((topLeft >>> shift) & 255)) / 2);
      });
    }
    default: return 0xff000000;
  }
}

/** @param {(shift: number) => number} work */
function eachByte(work) {
  let out = 0;
  for (let shift = 0; shift < 32; shift += 8) out |= Math.max(0, Math.min(255, work(shift))) << shift;
  return out >>> 0;
}

/**
 * @param {Uint32Array<ArrayBuffer>} pixels
 * @param {number} width
 * @param {number} height
 * @param {Uint32Array} factors
 * @param {number} size
 * @param {number} across
 */
function uncolour(pixels, width, height, factors, size, across) {
  const signed = (/** @type {number} */ byte) => (byte << 24) >> 24;
  const delta = (/** @type {number} */ factor, /** @type {number} */ colour) => (signed(factor) * signed(colour)) >> 5;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const factor = factors[(y >> size) * across + (x >> size)];
      const pixel = pixels[at];
      const green = pixel >>> 8;
      const red = ((pixel >>> 16) + delta(factor, green)) & 255;
      const blue = (pixel + delta(factor >>> 8, green) + delta(factor >>> 16, red)) & 255;
      pixels[at] = ((pixel & 0xff00ff00) | (red << 16) | blue) >>> 0;
    }
  }
  return pixels;
}

/**
 * @param {Uint32Array<ArrayBuffer>} pixels
 * @param {number} width
 * @param {number} height
 * @param {number} packed pixels of a row
 * @param {Uint32Array} palette
 * @param {number} packing
 */
function unindex(pixels, width, height, packed, palette, packing) {
  const out = new Uint32Array(width * height);
  const [bits, mask] = [8 >> packing, (1 << packing) - 1];
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const bytes = pixels[y * packed + (x >> packing)] >>> 8;
      const index = (bytes >>> ((x & mask) * bits)) & ((1 << bits) - 1);
      out[at] = palette[index] ?? 0;
    }
  }
  return out;
}
