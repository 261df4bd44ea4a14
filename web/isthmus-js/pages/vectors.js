/**
 * As test/vectors.test.js, in a browser: what is made of the vectors that the address names goes back to who serves this page,
 * who compares. Latents are decoded by the sources themselves, pixels and errors by the library in its workers.
 */

import { parse } from "../src/container.js";
import { crc32 } from "../src/crc32.js";
import { Decoder } from "../src/decoder.js";
import { blocksOf } from "../src/grid.js";
import { configure, decode } from "../src/index.js";
import { hex } from "../src/bytes.js";

/** @typedef {{cut?: number, at: number, xor: number, begin?: number, end?: number}} Damage */

const MODELS = new URL("../../../src/isthmus/models/", import.meta.url);
const VECTORS = new URL("../test/vectors/", import.meta.url);
const asked = new URL(location.href).searchParams;
configure({ models: MODELS });
const decoder = Decoder.make(async (id) => bytes(new URL(`${id}.isthmodel`, MODELS)));

/** @param {URL} address */
async function bytes(address) {
  return new Uint8Array(await (await fetch(address)).arrayBuffer());
}

/** @param {Uint8Array} file @param {Damage} how */
function damaged(file, { cut, at, xor, begin, end }) {
  if (cut !== undefined) return file.slice(0, cut);
  const out = file.slice();
  out[at] ^= xor;
  if (end !== undefined) new DataView(out.buffer).setUint32(end, crc32(out.subarray(begin, end)), true);
  return out;
}

/** @param {Uint8Array} file */
async function latents(file) {
  const { header, payloads } = parse(file);
  const hashes = [];
  for (const [index, payload] of payloads.T.entries()) {
    if (!payload.length) continue;
    const { height, width } = blocksOf(header.grid.tileBox(index));
    const { entropy } = await (await decoder).model(header.modelId);
    const found = entropy.decode(payload, height, width, header.quality, header.tune);
    hashes.push(hex(new Uint8Array(await crypto.subtle.digest("SHA-256", Int32Array.from(found)))));
  }
  return hashes;
}

/** @param {string} name */
async function made(name) {
  const vector = JSON.parse(await (await fetch(new URL(`${name}.json`, VECTORS))).text());
  const file = await bytes(new URL(vector.file, VECTORS));
  const errors = [];
  for (const how of vector.damaged.slice(0, Number(asked.get("damaged")))) {
    errors.push(await decode(damaged(file, how)).then(() => "", (error) => error.name));
  }
  const picture = await decode(file).catch((error) => error.name);
  const pixels = typeof picture === "string" ? picture : Array.from(picture.data);
  return { latents: await latents(file), errors, pixels };
}

/** @param {unknown} found */
function tell(found) {
  return fetch("/found", { method: "POST", body: JSON.stringify(found) });
}

try {
  for (const name of asked.getAll("name")) await tell({ name, ...(await made(name)) });
  await tell("done");
} catch (error) {
  await tell(String(error instanceof Error ? error.stack : error));
}
