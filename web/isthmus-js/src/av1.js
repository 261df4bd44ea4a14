/** AV1 still pictures without a file around them, checked and put into AVIF, which browsers decode. As `isthmus.image.av1`. */

import { CorruptError } from "./errors.js";

const SEQUENCE = 1;
const FRAME = 6;
const PROFILE_444 = 1;
/** Primaries, curve and matrix that say the range, which is then not coded. */
const SRGB = (1 << 16) | (13 << 8);

/**
 * An AVIF file of the OBUs of one picture, which must be of this size, plain, in 4:4:4 at 8 bits.
 *
 * @param {Uint8Array} obus
 * @param {number} height
 * @param {number} width
 * @param {string} what holds the OBUs, for messages
 */
export function asAvif(obus, height, width, what) {
  check(obus, height, width, what);
  return wrapped(obus, height, width);
}

/** @param {Uint8Array} obus @param {string} what */
function units(obus, what) {
  const found = [];
  for (let at = 0; at < obus.length; ) {
    const head = obus[at];
    // No extension, and a size: all that is in use for one picture.
    if ((head & 0b10000110) !== 0b10) throw new CorruptError(`${what} is damaged`, { got: "an OBU of another form" });
    let [size, begin] = [0, at + 1];
    for (let place = 0; place < 8; place++) {
      if (begin >= obus.length) throw new CorruptError(`${what} is damaged`, { got: "an OBU without its end" });
      const byte = obus[begin++];
      size += (byte & 127) * 2 ** (7 * place);
      if (byte < 128) break;
    }
    if (begin + size > obus.length) throw new CorruptError(`${what} is damaged`, { got: "an OBU without its end" });
    found.push({ kind: (head >> 3) & 15, body: obus.subarray(begin, begin + size) });
    at = begin + size;
  }
  return found;
}

/** @param {Uint8Array} obus @param {number} height @param {number} width @param {string} what */
function check(obus, height, width, what) {
  const found = units(obus, what);
  const kinds = found.map(({ kind }) => kind);
  if (kinds.join() !== `${SEQUENCE},${FRAME}`) throw new CorruptError(`${what} is no AV1 still picture`, { got: kinds });
  const [take, ofFrame] = found.map(({ body }) => bitsOf(body));
  // AV1 bitstream specification, section 5.5.1: in the reduced header, the frame is of the largest size.
  const front = [take(3), take(1), take(1)];
  if (front.join() !== `${PROFILE_444},1,1`) throw new CorruptError(`${what} is no AV1 still picture in 4:4:4`, { got: front });
  take(5); // level
  const bits = [take(4) + 1, take(4) + 1];
  const size = [take(bits[0]) + 1, take(bits[1]) + 1];
  if (size[0] !== width || size[1] !== height) {
    throw new CorruptError(`${what} has the wrong size`, { expected: `${width}x${height}`, got: size.join("x") });
  }
  take(3); // larger superblocks, filtered prediction, filtered edges
  const superres = take(1);
  take(2); // directional filter, restoration
  const deep = take(1);
  const described = take(1) ? take(24) : undefined;
  if (described !== SRGB) take(1); // range: the file around it says that, and which matrix
  take(1); // own quantizers of both planes of chroma
  const grain = take(1);
  // Section 5.9.2, of a still picture without superresolution.
  ofFrame(1); // probabilities that stay
  if (ofFrame(1)) ofFrame(1); // screen tools
  const scaled = ofFrame(1);
  const names = { "more than 8 bits": deep, superresolution: superres, "film grain": grain, "another size to show": scaled };
  const got = Object.entries(names).flatMap(([name, there]) => (there ? [name] : []));
  if (got.length) {
    const expected = `none of ${Object.keys(names).join(", ")}`;
    throw new CorruptError(`${what} is no plain AV1 still picture`, { expected, got: got.join(" and ") });
  }
}

/** Takes so many bits at a time, the most significant first; behind the end there are zeros. @param {Uint8Array} bytes */
function bitsOf(bytes) {
  let at = 0;
  return (/** @type {number} */ count) => {
    let value = 0;
    for (let i = 0; i < count; i++, at++) value = 2 * value + (((bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1);
    return value;
  };
}

/** @param {Uint8Array} obus @param {number} height @param {number} width */
function wrapped(obus, height, width) {
  const begin = box("ftyp", text("avif"), [0, 0, 0, 0], text("avifmif1miafMA1A"));
  const properties = box(
    "ipco",
    full("ispe", 0, long(width), long(height)),
    full("pixi", 0, [3, 8, 8, 8]),
    box("av1C", [0x81, PROFILE_444 << 5, 0, 0]),
    // Full range, with the primaries and the curve of sRGB and the matrix of BT.601.
    box("colr", text("nclx"), [0, 1, 0, 13, 0, 6, 0x80]),
  );
  const meta = (/** @type {number} */ offset) =>
    full(
      "meta",
      0,
      full("hdlr", 0, [0, 0, 0, 0], text("pict"), Array(13).fill(0)),
      full("pitm", 0, [0, 1]),
      full("iloc", 0, [0x44, 0, 0, 1, 0, 1, 0, 0, 0, 1], long(offset), long(obus.length)),
      full("iinf", 0, [0, 1], full("infe", 2, [0, 1, 0, 0], text("av01Color\0"))),
      box("iprp", properties, full("ipma", 0, long(1), [0, 1, 4, 1, 2, 0x83, 4])),
    );
  const front = begin.length + meta(0).length + 8;
  return Uint8Array.from([...begin, ...meta(front), ...long(8 + obus.length), ...text("mdat"), ...obus]);
}

/** @param {string} letters */
function text(letters) {
  return Array.from(letters, (letter) => letter.charCodeAt(0));
}

/** @param {number} value */
function long(value) {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

/** @param {string} kind @param {...number[]} parts @returns {number[]} */
function box(kind, ...parts) {
  const body = parts.flat();
  return [...long(8 + body.length), ...text(kind), ...body];
}

/** @param {string} kind @param {number} version @param {...number[]} parts */
function full(kind, version, ...parts) {
  return box(kind, [version, 0, 0, 0], ...parts);
}
