/** A decoder: the kernels, and the models that it has been given or finds. In browsers it lives in a worker. */

import { hex } from "./bytes.js";
import { InputError, ModelError, UnknownModelError } from "./errors.js";
import { Heap } from "./heap.js";
import { Model } from "./model.js";
import { decodePicture } from "./picture.js";
import { sha256 } from "./sha256.js";

/** @import { Decoded, Options } from "./picture.js" */
/** @import { DecodeAvif } from "./sharp.js" */

const ID_BYTES = 8;

/** @typedef {(id: string) => Promise<Uint8Array | undefined>} FetchModel the file of a model by its id in hex, if there is one */

export class Decoder {
  /**
   * @param {Heap} heap
   * @param {FetchModel} fetchModel
   * @param {DecodeAvif} [decodeAvif]
   */
  constructor(heap, fetchModel, decodeAvif) {
    this.heap = heap;
    this.fetchModel = fetchModel;
    this.decodeAvif = decodeAvif;
    /** @type {Map<string, Promise<Model>>} */
    this.models = new Map();
  }

  /**
   * @param {FetchModel} fetchModel
   * @param {DecodeAvif} [decodeAvif]
   */
  static async make(fetchModel, decodeAvif) {
    return new Decoder(await Heap.make(), fetchModel, decodeAvif);
  }

  /**
   * @param {Uint8Array} bytes of an .isth file
   * @param {Options} [options]
   * @returns {Promise<Decoded>}
   */
  async decode(bytes, options) {
    if (!(bytes instanceof Uint8Array)) throw new InputError("decode takes the bytes of a file", { expected: "Uint8Array" });
    return decodePicture(bytes, { findModel: (id) => this.model(id), decodeAvif: this.decodeAvif }, options);
  }

  /** @param {string} id */
  async model(id) {
    const there = this.models.get(id);
    if (there) return there;
    const coming = this.load(id);
    this.models.set(id, coming);
    // What could not be had may be had later.
    coming.catch(() => this.models.delete(id));
    return coming;
  }

  /** @param {string} id */
  async load(id) {
    const bytes = await this.fetchModel(id);
    if (!bytes) {
      const hint = "The page that shows the picture must say where its model is.";
      throw new UnknownModelError(`the model ${id} is not to be had`, { hint });
    }
    checkModel(bytes, id);
    return new Model(this.heap, bytes);
  }
}

/**
 * Throws ModelError unless these are the bytes of the model of an id.
 *
 * @param {Uint8Array} bytes
 * @param {string} id
 */
export function checkModel(bytes, id) {
  const found = hex(sha256(bytes).subarray(0, ID_BYTES));
  if (found !== id) throw new ModelError("the model's file is another, or damaged", { expected: id, got: found });
}
