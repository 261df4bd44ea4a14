/** Decodes in a thread of its own, so that pages never wait: what `pool.js` asks, answered with pictures or errors. */

import { decodeAvif } from "./decode-avif.js";
import { Decoder } from "./decoder.js";
import { packed } from "./errors.js";
import { fetchModel } from "./fetch-model.js";
import { asPng } from "./png.js";

/** @import { Options } from "./picture.js" */

/**
 * @typedef {{models: string, given: Record<string, Uint8Array>}} Setting where models come from: an address to which
 *   `ID.isthmodel` is added, "" for none, and those that the page has itself
 */
/** @typedef {{number: number, bytes: Uint8Array, options: Options, bitmap: boolean}} Question */

/** @type {Setting} */
const setting = { models: "", given: {} };
const decoder = Decoder.make(async (id) => {
  return setting.given[id] ?? (setting.models ? fetchModel(id, setting.models) : undefined);
}, decodeAvif);

/** @param {Question} question */
async function answer({ number, bytes, options, bitmap }) {
  try {
    const { width, height, data, icc } = await (await decoder).decode(bytes, options);
    if (!bitmap) return postMessage({ number, width, height, data }, { transfer: [data.buffer] });
    // Browsers know profiles of files, not of arrays.
    const source = icc ? asPng(data, width, height, icc) : new ImageData(data, width, height);
    const made = await createImageBitmap(source);
    postMessage({ number, width, height, bitmap: made }, { transfer: [made] });
  } catch (error) {
    postMessage({ number, error: packed(error) });
  }
}

addEventListener("message", ({ data }) => {
  if ("number" in data) void answer(data);
  else Object.assign(setting, data);
});
