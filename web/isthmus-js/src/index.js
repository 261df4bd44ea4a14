/** `.isth` pictures in browsers: `decode`, `decodeBitmap`, the element `<isth-img>`, and plain images. */

import { parse } from "./container.js";
import { IsthImg } from "./element.js";
import { showPlainImages } from "./images.js";
import { ask, configure } from "./pool.js";

/** @import { Options } from "./picture.js" */

export * from "./errors.js";
export { IsthImg, configure, showPlainImages };

/** @typedef {Uint8Array | ArrayBuffer | Blob | Response} Source */

/** @param {Source} source */
async function bytesOf(source) {
  if (source instanceof Uint8Array) return source;
  return new Uint8Array(source instanceof ArrayBuffer ? source : await source.arrayBuffer());
}

/**
 * The pixels of a picture, of a part of it, or of a smaller one.
 *
 * @param {Source} source
 * @param {Options} [options]
 * @returns {Promise<ImageData>}
 */
export async function decode(source, options = {}) {
  const { data, width, height } = await ask(await bytesOf(source), options, false);
  return new ImageData(data, width, height);
}

/**
 * As `decode`, ready to be drawn, in the colours that its profile says.
 *
 * @param {Source} source
 * @param {Options} [options]
 * @returns {Promise<ImageBitmap>}
 */
export async function decodeBitmap(source, options = {}) {
  return (await ask(await bytesOf(source), options, true)).bitmap;
}

/**
 * What a file says of its picture; nothing is decoded.
 *
 * @param {Source} source
 */
export async function info(source) {
  const { header } = parse(await bytesOf(source));
  const { width, height, mode, quality, modelId, lossless, sharp } = header;
  return { width, height, mode, quality: quality / 100, model: modelId, lossless, sharp };
}
