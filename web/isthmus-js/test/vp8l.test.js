/** What libwebp makes of lossless WebP, whole and damaged, and what is made of it here: scripts/web_vectors.py wrote it. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { CorruptError } from "../src/errors.js";
import { decodeVp8l } from "../src/vp8l.js";

/** @typedef {{bitstream: string, height: number, width: number, pixels: string}} Row `pixels` is their hash, "" for an error */

/** @type {Row[]} */
const rows = JSON.parse(readFileSync(new URL("bitstreams.json", import.meta.url), "utf8"));

test("damaged bitstreams are the same pixels, or errors", () => {
  for (const { bitstream, height, width, pixels } of rows) {
    let found = "";
    try {
      const decoded = decodeVp8l(new Uint8Array(Buffer.from(bitstream, "base64")), height, width, "it");
      const bytes = Buffer.alloc(4 * decoded.length);
      decoded.forEach((pixel, p) => bytes.writeUInt32BE(((pixel << 8) | (pixel >>> 24)) >>> 0, 4 * p));
      found = createHash("sha256").update(bytes).digest("hex");
    } catch (error) {
      assert.ok(error instanceof CorruptError, String(error));
    }
    assert.equal(found, pixels, bitstream);
  }
});
