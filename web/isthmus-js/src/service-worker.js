/**
 * A service worker that answers `<img src="photo.isth">` with a PNG: `showPlainImages` of the library registers it.
 *
 * Its own address says what it needs, as it is stopped and started at any time: `models`, an address to which
 * `ID.isthmodel` is added, by default where it lies itself; and `fallback`, a suffix, as in ".jpg", of pictures that
 * stand in where an .isth file cannot be shown.
 */

import { hex } from "./bytes.js";
import { decodeAvif } from "./decode-avif.js";
import { Decoder } from "./decoder.js";
import { fetchModel } from "./fetch-model.js";
import { isIsthAddress } from "./images.js";
import { asPng } from "./png.js";

const PICTURES = "isthmus-pictures";
/** Of PNGs that are kept, which are not compressed: some 60 million pixels. */
const KEPT_BYTES = 2 ** 28;

/** @typedef {Event & {waitUntil: (work: Promise<unknown>) => void}} ExtendableEvent */
/** @typedef {{addRoutes?: (rules: object) => Promise<void>}} Routes */
/** @typedef {{request: Request, respondWith: (answer: Promise<Response>) => void}} Fetch */
/** @typedef {{skipWaiting: () => Promise<void>, clients: {claim: () => Promise<void>}}} ServiceWorkerScope */

const scope = /** @type {ServiceWorkerScope} */ (/** @type {unknown} */ (globalThis));
const asked = new URL(location.href).searchParams;
const models = new URL(asked.get("models") ?? ".", location.href).href;
const fallback = asked.get("fallback");
const decoder = Decoder.make((id) => fetchModel(id, models), decodeAvif);

addEventListener("install", (event) => {
  const { addRoutes, waitUntil } = /** @type {ExtendableEvent & Routes} */ (event);
  // What is no picture of ours need not wait here for one that is. Where browsers cannot be told so, it does.
  const others = { condition: { not: { urlPattern: { pathname: "*.isth" } } }, source: "network" };
  waitUntil.call(event, Promise.all([scope.skipWaiting(), addRoutes?.call(event, others).catch(() => undefined)]));
});

// Pages that registered it want it at once.
addEventListener("message", (event) => {
  /** @type {ExtendableEvent} */ (/** @type {unknown} */ (event)).waitUntil(scope.clients.claim());
});

addEventListener("fetch", (event) => {
  const { request, respondWith } = /** @type {Fetch} */ (/** @type {unknown} */ (event));
  if (request.destination === "image" && isIsthAddress(request.url)) respondWith.call(event, answer(request));
});

/** @param {Request} request */
async function answer(request) {
  /** @type {Response | undefined} */
  let found;
  try {
    // Pictures of other sites can only be read if those allow it.
    found = await fetch(request.url, { mode: "cors", credentials: "same-origin" });
    if (found.ok) return await picture(new Uint8Array(await found.arrayBuffer()));
  } catch (error) {
    found = new Response(String(error), { status: 415, headers: { "Content-Type": "text/plain" } });
  }
  if (!fallback) return found;
  const instead = new URL(request.url);
  instead.pathname = instead.pathname.replace(/\.isth$/, fallback);
  return fetch(instead, { mode: request.mode, credentials: request.credentials });
}

/**
 * The picture of a file, kept by the file's hash: one that changes is another.
 *
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
async function picture(bytes) {
  const key = `/${hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)))}.png`;
  const store = await caches.open(PICTURES);
  const kept = await store.match(key);
  if (kept) return kept;
  const { width, height, data, icc } = await (await decoder).decode(bytes);
  const png = asPng(data, width, height, icc);
  const headers = { "Content-Type": png.type, "Content-Length": String(png.size) };
  // A full store is no reason to show nothing.
  await store.put(key, new Response(png, { headers })).then(() => trim(store)).catch(() => undefined);
  return new Response(png, { headers });
}

/** Gives up the oldest pictures beyond what may be kept. @param {Cache} store */
async function trim(store) {
  let total = 0;
  for (const key of [...(await store.keys())].reverse()) {
    total += Number((await store.match(key))?.headers.get("Content-Length"));
    if (total > KEPT_BYTES) await store.delete(key);
  }
}
