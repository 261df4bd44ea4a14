/** Chunks: type, length, payload, CRC-32; and the order in which those of a picture come. docs/format.md is normative. */

import { view } from "./bytes.js";
import { crc32 } from "./crc32.js";
import { CorruptError, LimitExceededError, TruncatedError } from "./errors.js";
import { inflate } from "./inflate.js";

/** @import { Limits } from "./limits.js" */

const NAMES = { I: "ICC", E: "EXIF", X: "XMP", P: "palette", A: "alpha", T: "tile", L: "samples", S: "sharp", Z: "end" };
const ORDER = Object.keys(NAMES);
const METADATA = "IEXP";
const PAYLOADS = "ATLS";
const END = "Z";
const CRC_BYTES = 4;
const MIN_CHUNK_BYTES = 1 + 1 + CRC_BYTES;
const MAX_CHUNK_BYTES = 2 ** 31 - 1;
const MAX_VARINT_BYTES = 8;

/**
 * @typedef {object} Envelope
 * @property {Record<string, Uint8Array>} metadata inflated blocks, by type
 * @property {Record<string, Uint8Array[]>} payloads by type
 */

/** @param {string} kind */
function name(kind) {
  return kind in NAMES ? NAMES[/** @type {keyof typeof NAMES} */ (kind)] : JSON.stringify(kind);
}

/**
 * [value, position after it]; only the shortest form is legal. Beyond 2 ** 53 a value is near its own.
 *
 * @param {Uint8Array} bytes
 * @param {number} start
 * @returns {[number, number]}
 */
export function readVarint(bytes, start) {
  let value = 0;
  for (let index = 0; index < MAX_VARINT_BYTES; index++) {
    if (start + index >= bytes.length) {
      throw new TruncatedError("the file ends inside a length", { got: `${bytes.length} bytes` });
    }
    const byte = bytes[start + index];
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) {
      if (byte === 0 && index > 0) throw new CorruptError(`a length at byte ${start} is not in its shortest form`);
      return [value, start + index + 1];
    }
  }
  throw new CorruptError(`a length at byte ${start} is too long`, { expected: `at most ${MAX_VARINT_BYTES} bytes` });
}

/**
 * Throws CorruptError unless the bytes have this CRC-32.
 *
 * @param {string} what
 * @param {Uint8Array} covered
 * @param {number} stored
 */
export function checkCrc(what, covered, stored) {
  const computed = crc32(covered);
  if (computed !== stored) {
    throw new CorruptError(`the ${what} is damaged`, {
      expected: `CRC ${stored.toString(16).padStart(8, "0")}`,
      got: computed.toString(16).padStart(8, "0"),
    });
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {number} start
 * @returns {{kind: string, payload: Uint8Array, end: number}}
 */
function readChunk(bytes, start) {
  if (start >= bytes.length) {
    throw new TruncatedError("the file ends before its end chunk", { got: `${bytes.length} bytes` });
  }
  const kind = String.fromCharCode(bytes[start]);
  const [length, payloadStart] = readVarint(bytes, start + 1);
  const payloadEnd = payloadStart + length;
  const end = payloadEnd + CRC_BYTES;
  if (length > MAX_CHUNK_BYTES || end > bytes.length) {
    const details = { expected: `at least ${end} bytes`, got: bytes.length };
    throw new TruncatedError(`the file ends inside its ${name(kind)} chunk`, details);
  }
  const stored = view(bytes).getUint32(payloadEnd, true);
  checkCrc(`${name(kind)} chunk at byte ${start}`, bytes.subarray(start, payloadEnd), stored);
  if (!/^[A-Za-z]$/.test(kind)) {
    throw new CorruptError(`an unknown chunk at byte ${start}`, { expected: "a letter", got: JSON.stringify(kind) });
  }
  return { kind, payload: bytes.subarray(payloadStart, payloadEnd), end };
}

/**
 * Throws CorruptError unless a chunk of this type may follow one of the type `last`, "" at the beginning.
 *
 * @param {string} last
 * @param {string} kind
 * @param {number} position
 */
function checkOrder(last, kind, position) {
  const rank = ORDER.indexOf(kind);
  if (rank < 0) throw new CorruptError(`an unknown chunk at byte ${position}`, { expected: "a known type", got: kind });
  const lastRank = ORDER.indexOf(last);
  if (rank < lastRank || (rank === lastRank && !PAYLOADS.includes(kind))) {
    throw new CorruptError(`a chunk out of order at byte ${position}`, { got: `${name(kind)} after ${name(last)}` });
  }
}

/**
 * The block in the payload of a metadata chunk.
 *
 * @param {string} what
 * @param {Uint8Array} payload
 * @param {number} most
 */
function block(what, payload, most) {
  const { bytes, ended, used, problem } = inflate(payload, most, 15);
  if (problem) throw new CorruptError(`the ${what} chunk cannot be inflated`, { got: problem });
  if (bytes.length > most) {
    throw new LimitExceededError(`the ${what} block is too large`, {
      expected: `at most ${most} bytes`,
      got: "more",
      hint: "Raise maxMetadataBytes if the file is trusted.",
    });
  }
  if (!ended || used < payload.length) throw new CorruptError(`the ${what} chunk is not one whole zlib stream`);
  return bytes;
}

/**
 * Takes a file apart behind its header, checking every byte of its structure; payloads are views, not copies.
 *
 * @param {Uint8Array} bytes the whole file
 * @param {number} start bytes of its header, which is checked already
 * @param {Record<string, number>} counts how many payloads of each type the header announces
 * @param {Limits} limits
 * @returns {Envelope}
 */
export function readChunks(bytes, start, counts, limits) {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const least = start + MIN_CHUNK_BYTES * (total + 1);
  if (bytes.length < least) {
    throw new TruncatedError("the file ends early", { expected: `at least ${least} bytes`, got: bytes.length });
  }
  /** @type {Record<string, Uint8Array>} */
  const metadata = {};
  /** @type {Record<string, Uint8Array[]>} */
  const payloads = Object.fromEntries([...PAYLOADS].map((kind) => [kind, []]));
  let last = "";
  let position = start;
  for (;;) {
    const { kind, payload, end } = readChunk(bytes, position);
    if (!/[a-z]/.test(kind)) {
      checkOrder(last, kind, position);
      last = kind;
    }
    if (METADATA.includes(kind)) {
      metadata[kind] = block(name(kind), payload, limits.maxMetadataBytes);
    } else if (PAYLOADS.includes(kind)) {
      payloads[kind].push(payload);
      if (payloads[kind].length > counts[kind]) {
        throw new CorruptError(`too many ${name(kind)} chunks`, { expected: counts[kind], got: "more" });
      }
    } else if (kind === END) {
      for (const [type, count] of Object.entries(counts)) {
        if (payloads[type].length !== count) {
          throw new CorruptError(`${name(type)} chunks are missing`, { expected: count, got: payloads[type].length });
        }
      }
      checkEnd(payload, position);
      if (end !== bytes.length) {
        throw new CorruptError("bytes follow the end chunk", { expected: `${end} bytes`, got: bytes.length });
      }
      return { metadata, payloads };
    }
    position = end;
  }
}

/**
 * Throws CorruptError unless the end chunk's payload is the number of bytes before it.
 *
 * @param {Uint8Array} payload
 * @param {number} position
 */
function checkEnd(payload, position) {
  let before, used;
  try {
    [before, used] = readVarint(payload, 0);
  } catch (error) {
    // Of the chunk, not of the file, which goes on.
    if (error instanceof TruncatedError) throw new CorruptError("the end chunk holds no total length");
    throw error;
  }
  if (before !== position || used !== payload.length) {
    throw new CorruptError("the end chunk's total length is wrong", { expected: position, got: before });
  }
}
