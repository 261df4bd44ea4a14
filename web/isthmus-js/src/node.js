/** Decoding in Node: `import { decode } from "isthmus"`. Nothing there decodes AV1: of the sharp layer, that kind is missing. */

import { Decoder } from "./decoder.js";

/** @import { FetchModel } from "./decoder.js" */
/** @import { Decoded, Options } from "./picture.js" */

export * from "./errors.js";

/** @type {Map<FetchModel, Promise<Decoder>>} */
const decoders = new Map();

/**
 * @param {Uint8Array} bytes of an .isth file
 * @param {Options & {fetchModel: FetchModel}} options `fetchModel` gives the file of a model
 * @returns {Promise<Decoded>}
 */
export async function decode(bytes, { fetchModel, ...options }) {
  const there = decoders.get(fetchModel) ?? Decoder.make(fetchModel);
  decoders.set(fetchModel, there);
  return (await there).decode(bytes, options);
}
