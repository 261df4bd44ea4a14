/** Decodes in a thread of its own, so that pages never wait: what `pool.js` asks, answered with pictures or errors. */

import { Decoder, checkModel } from "./decoder.js";
import { packed } from "./errors.js";
import { withProfile } from "./png.js";

/** @import { Options } from "./picture.js" */

/**
 * @typedef {{models: string, given: Record<string, Uint8Array>}} Setting where models come from: an address to which
 *   `ID.isthmodel` is added, "" for none, and those that the page has itself
 */
/** @typedef {{number: number, bytes: Uint8Array, options: Options, bitmap: boolean}} Question */

const CACHE = "isthmus-models";

/** @type {Setting} */
const setting = { models: "", given: {} };
const decoder = Decoder.make(fetchModel, decodeAvif);

/** @param {string} id */
async function fetchModel(id) {
  if (setting.given[id]) return setting.given[id];
  if (!setting.models) return undefined;
  const address = new URL(`${id}.isthmodel`, setting.models).href;
  // There is no such store outside of secure contexts, and a full one is no reason to show nothing.
  const store = await globalThis.caches?.open(CACHE).catch(() => undefined);
  const kept = await store?.match(address);
  const answer = kept ?? (await fetch(address));
  if (!answer.ok) return undefined;
  const bytes = new Uint8Array(await answer.arrayBuffer());
  try {
    checkModel(bytes, id);
  } catch (error) {
    await store?.delete(address);
    throw error;
  }
  if (!kept) await store?.put(address, new Response(bytes)).catch(() => undefined);
  return bytes;
}

/** @param {Uint8Array} file @param {number} width @param {number} height */
async function decodeAvif(file, width, height) {
  const blob = new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (file)], { type: "image/avif" });
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  if (bitmap.width !== width || bitmap.height !== height) throw new Error(`it is ${bitmap.width}x${bitmap.height}`);
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("there is no canvas");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  const out = new Uint8Array(3 * width * height);
  for (let p = 0; p < width * height; p++) for (let k = 0; k < 3; k++) out[3 * p + k] = data[4 * p + k];
  return out;
}

/** @param {Question} question */
async function answer({ number, bytes, options, bitmap }) {
  try {
    const { width, height, data, icc } = await (await decoder).decode(bytes, options);
    if (!bitmap) return postMessage({ number, width, height, data }, { transfer: [data.buffer] });
    // Browsers know profiles of files, not of arrays.
    const source = icc ? withProfile(data, width, height, icc) : new ImageData(data, width, height);
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
