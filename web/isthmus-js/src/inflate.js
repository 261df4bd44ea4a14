/** Inflating with an end: how much may come out, and how much was read. */

import { Z_NO_FLUSH, Z_OK, Z_BUF_ERROR, Z_STREAM_END, ZStream, zlibInflate, zlibInflateInit2 } from "pako";

const STEP = 1 << 16;

/**
 * @param {Uint8Array} stream
 * @param {number} most bytes that may come out; one more is made, to tell
 * @param {number} windowBits 15 for a zlib stream, -15 for raw deflate
 * @returns {{bytes: Uint8Array, ended: boolean, used: number, problem: string}} `problem` is empty if there is none
 */
export function inflate(stream, most, windowBits) {
  const strm = new ZStream();
  zlibInflateInit2(strm, windowBits);
  strm.input = stream;
  strm.next_in = 0;
  strm.avail_in = stream.length;
  /** @type {Uint8Array[]} */
  const parts = [];
  let total = 0;
  /** @type {number} */
  let status = Z_OK;
  let problem = "";
  while (total <= most) {
    const part = new Uint8Array(Math.min(STEP, most + 1 - total));
    strm.output = part;
    strm.next_out = 0;
    strm.avail_out = part.length;
    status = zlibInflate(strm, Z_NO_FLUSH);
    parts.push(part.subarray(0, strm.next_out));
    total += strm.next_out;
    if (status === Z_STREAM_END) break;
    if (status !== Z_OK && status !== Z_BUF_ERROR) {
      problem = strm.msg || `zlib error ${status}`;
      break;
    }
    // Nothing more comes of what there is.
    if (strm.avail_out > 0) break;
  }
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { bytes, ended: status === Z_STREAM_END, used: strm.next_in, problem };
}
