/** What Python makes of files, whole and damaged, and what is made of them here: scripts/web_vectors.py wrote it. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { inflateSync } from "node:zlib";
import { crc32 } from "../src/crc32.js";
import { Decoder } from "../src/decoder.js";
import { IsthmusError } from "../src/errors.js";
import { parse } from "../src/container.js";
import { blocksOf } from "../src/grid.js";

const VECTORS = new URL("vectors/", import.meta.url);
const MODELS = new URL("../../../src/isthmus/models/", import.meta.url);
const names = readdirSync(VECTORS).filter((name) => name.endsWith(".json"));
const decoder = await Decoder.make(async (id) => {
  const file = new URL(`${id}.isthmodel`, MODELS);
  return existsSync(file) ? readFile(file) : undefined;
});

/** @typedef {{cut?: number, at: number, xor: number, begin?: number, end?: number, error: string}} Damage */

/** @param {string} text */
function unpacked(text) {
  return inflateSync(Buffer.from(text, "base64"));
}

/** Colours count as far as they are opaque. @param {Uint8ClampedArray} got @param {string} text @param {number} most levels */
function assertNear(got, text, most) {
  const want = unpacked(text);
  assert.equal(got.length, want.length);
  let worst = 0;
  for (let i = 0; i < got.length; i++) {
    const alpha = i % 4 === 3 ? 255 : Math.max(got[i | 3], want[i | 3]);
    worst = Math.max(worst, (Math.abs(got[i] - want[i]) * alpha) / 255);
  }
  assert.ok(worst <= most, `${worst} levels apart`);
}

/** @param {Uint8Array} file @param {Damage} how */
function damaged(file, { cut, at, xor, begin, end }) {
  if (cut !== undefined) return file.slice(0, cut);
  const out = file.slice();
  out[at] ^= xor;
  if (end !== undefined) new DataView(out.buffer).setUint32(end, crc32(out.subarray(begin, end)), true);
  return out;
}

for (const name of names) {
  const vector = JSON.parse(readFileSync(new URL(name, VECTORS), "utf8"));
  const file = new Uint8Array(readFileSync(new URL(vector.file, VECTORS)));
  const { lossless: exact, mode } = parse(file).header;
  // Python knows these colours, a decoder without colour management does not.
  const isShown = mode !== "CMYK";

  test(`${name}: latents are the same`, async () => {
    const { header, payloads } = parse(file);
    for (const [index, want] of vector.latents.entries()) {
      const { height, width } = blocksOf(header.grid.tileBox(index));
      const { entropy } = await decoder.model(header.modelId);
      const found = entropy.decode(payloads.T[index], height, width, header.quality, header.tune);
      assert.equal(createHash("sha256").update(new Uint8Array(found.buffer)).digest("hex"), want);
    }
  });

  test(`${name}: pixels are within a level`, { skip: !isShown }, async () => {
    const { data } = await decoder.decode(file);
    assertNear(data, vector.pixels, exact ? 0 : 1);
    const part = await decoder.decode(file, { crop: vector.crop.box });
    assertNear(part.data, vector.crop.pixels, exact ? 0 : 1);
  });

  test(`${name}: smaller pictures are near`, { skip: !isShown }, async () => {
    for (const [scale, want] of Object.entries(vector.scales)) {
      const { data } = await decoder.decode(file, { scale: Number(scale) });
      // Python rounds colours of pictures with transparency twice more, multiplied by it and divided again.
      assertNear(data, want, exact ? 2 : 1);
    }
  });

  test(`${name}: what is damaged is the same error`, async () => {
    for (const how of vector.damaged) {
      let found = "";
      try {
        await decoder.decode(damaged(file, how));
      } catch (error) {
        assert.ok(error instanceof IsthmusError, String(error instanceof Error ? error.stack : error));
        found = error.name;
      }
      assert.equal(found, how.error || (isShown ? "" : "MissingExtraError"), JSON.stringify(how));
    }
  });
}
