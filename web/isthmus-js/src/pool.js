/** Workers that decode, as many as there is work for, up to a few. */

import { unpacked } from "./errors.js";
import { WORKER } from "../build/worker.js";

/** @import { Options } from "./picture.js" */

const MOST = 4;

/** @typedef {{width: number, height: number, data: Uint8ClampedArray<ArrayBuffer>, bitmap: ImageBitmap}} Answer `data` or `bitmap` */
/** @typedef {{worker: Worker, waiting: Map<number, {resolve: (answer: Answer) => void, reject: (error: unknown) => void}>}} Member */

/** @type {Member[]} */
const members = [];
const setting = { models: "", given: /** @type {Record<string, Uint8Array>} */ ({}) };
let count = 0;

/**
 * Says where models come from.
 *
 * @param {{models?: string | URL, given?: Record<string, Uint8Array>}} where `models` is an address to which
 *   `ID.isthmodel` is added; `given` are files of models by their ids, for pages that bring them along
 */
export function configure({ models, given }) {
  if (models !== undefined) setting.models = new URL(models, document.baseURI).href;
  Object.assign(setting.given, given);
  for (const { worker } of members) worker.postMessage(setting);
}

function hire() {
  const address = URL.createObjectURL(new Blob([WORKER], { type: "text/javascript" }));
  const worker = new Worker(address);
  URL.revokeObjectURL(address);
  /** @type {Member} */
  const member = { worker, waiting: new Map() };
  worker.addEventListener("message", ({ data }) => {
    const waiting = member.waiting.get(data.number);
    member.waiting.delete(data.number);
    if (data.error) waiting?.reject(unpacked(data.error));
    else waiting?.resolve(data);
  });
  worker.addEventListener("error", (event) => {
    for (const { reject } of member.waiting.values()) reject(new Error(event.message || "the decoder stopped"));
    member.waiting.clear();
    members.splice(members.indexOf(member), 1);
  });
  worker.postMessage(setting);
  members.push(member);
  return member;
}

/**
 * @param {Uint8Array} bytes
 * @param {Options} options
 * @param {boolean} bitmap whether an ImageBitmap is wanted, not numbers
 * @returns {Promise<Answer>}
 */
export function ask(bytes, options, bitmap) {
  const most = Math.max(1, Math.min(MOST, (navigator.hardwareConcurrency || 2) - 1));
  const [idlest] = [...members].sort((a, b) => a.waiting.size - b.waiting.size);
  const member = idlest && (idlest.waiting.size === 0 || members.length >= most) ? idlest : hire();
  const number = count++;
  return new Promise((resolve, reject) => {
    member.waiting.set(number, { resolve, reject });
    member.worker.postMessage({ number, bytes, options, bitmap });
  });
}
