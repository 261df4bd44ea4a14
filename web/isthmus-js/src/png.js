/** PNG files around pixels, without compressing them: browsers then do what a colour profile says. */

import { zlibWrapped } from "./stored.js";
import { crc32 } from "./crc32.js";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/**
 * @param {Uint8ClampedArray} data RGBA
 * @param {number} width
 * @param {number} height
 * @param {Uint8Array} icc
 */
export function withProfile(data, width, height, icc) {
  const rows = new Uint8Array(height * (4 * width + 1));
  for (let y = 0; y < height; y++) rows.set(data.subarray(4 * y * width, 4 * (y + 1) * width), y * (4 * width + 1) + 1);
  const head = new Uint8Array(13);
  const numbers = new DataView(head.buffer);
  numbers.setUint32(0, width);
  numbers.setUint32(4, height);
  head.set([8, 6], 8);
  const profile = zlibWrapped(icc);
  const named = new Uint8Array(profile.length + 5);
  named.set([0x69, 0x63, 0x63]);
  named.set(profile, 5);
  const parts = [chunk("IHDR", head), chunk("iCCP", named), chunk("IDAT", zlibWrapped(rows)), chunk("IEND", new Uint8Array(0))];
  return new Blob([Uint8Array.from(SIGNATURE), ...parts], { type: "image/png" });
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
