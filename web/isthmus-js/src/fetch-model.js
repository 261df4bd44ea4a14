/** Models from where a page says: fetched once, checked by their hash, and kept in Cache Storage where there is one. */

import { checkModel } from "./decoder.js";

const CACHE = "isthmus-models";

/**
 * @param {string} id
 * @param {string} models an address to which `ID.isthmodel` is added
 * @returns {Promise<Uint8Array | undefined>}
 */
export async function fetchModel(id, models) {
  const address = new URL(`${id}.isthmodel`, models).href;
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
