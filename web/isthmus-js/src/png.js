/** PNG files around pixels, without compressing them: what browsers know of files only, as colour profiles, they know of these. */

import { zlibWrapped } from "./stored.js";
import { crc32 } from "./crc32.js";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/**
 * @param {Uint8ClampedArray} data RGBA
 * @param {number} width
 * @param {number} height
 * @param {Uint8Array | undefined} icc
 */
export function asPng(data, width, height, icc) {
  const rows = new Uint8Array(height * (4 * width + 1));
  for (let y = 0; y < height; y++) rows.set(data.subarray(4 * y * width, 4 * (y + 1) * width), y * (4 * width + 1) + 1);
  const head = new Uint8Array(13);
  const numbers = new DataView(head.buffer);
  numbers.setUint32(0, width);
  numbers.setUint32(4, height);
  head.set([8, 6], 8);
  const colours = icc ? [chunk("iCCP", named(icc))] : [];
  const parts = [chunk("IHDR", head), ...colours, chunk("IDAT", zlibWrapped(rows)), chunk("IEND", new Uint8Array(0))];
  return new Blob([Uint8Array.from(SIGNATURE), ...parts], { type: "image/png" });
}

/** A profile as its chunk holds it: its name, "icc", how it is compressed, and a zlib stream. @param {Uint8Array} icc */
function named(icc) {
  const profile = zlibWrapped(icc);
  const out = new Uint8Array(profile.length + 5);
  out.set([0x69, 0x63, 0x63]);
  out.set(profile, 5);
  return out;
}

/** @param {string} kind @param {Uint8Array} body */
function chunk(kind, body) {
  const out = new Uint8Array(body.length + 12);
  const numbers = new DataView(out.buffer);
  numbers.setUint32(0, body.length);
  out.set(Array.from(kind, (letter) => letter.charCodeAt(0)), 4);
  out.set(body, 8);
  numbers.setUint32(body.length + 8, crc32(out.subarray(4, body.length + 8)));
  return out;
}
