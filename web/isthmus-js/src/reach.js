/** How far a network looks, read off its operations; as `isthmus.image.coders.reach`. */

import { BLOCK } from "./grid.js";
import { ModelError } from "./errors.js";

/** @import { Operation } from "./onnx.js" */

/**
 * Pixels between a pixel of the output and the farthest one whose block has a say in it.
 *
 * @param {Operation[]} operations
 * @param {number} [apart] how many pixels apart the samples of the inputs are
 */
export function reach(operations, apart = BLOCK) {
  /** @type {Map<string, number>} */
  const spacing = new Map();
  /** @type {Map<string, number>} */
  const seen = new Map();
  let farthest = 0;
  for (const { kind, inputs, outputs, numbers } of operations) {
    const known = inputs.filter((name) => spacing.has(name)).map((name) => spacing.get(name) ?? apart);
    let spaced = known.length ? Math.min(...known) : apart;
    let looked = Math.max(0, ...inputs.map((name) => seen.get(name) ?? 0));
    if (kind === "Conv" || kind === "AveragePool") {
      const sides = numbers.kernel_shape;
      const strides = numbers.strides ?? sides.map(() => 1);
      const side = Math.max(...sides);
      if (side > 1 && strides.join() === sides.join()) {
        looked += spaced * (side - 1);
        spaced *= side;
      } else if (strides.some((one) => one !== 1)) {
        throw new ModelError("the model's network has windows that move by another step", { got: strides });
      } else looked += Math.ceil((spaced * (side - 1)) / 2);
    } else if (kind === "DepthToSpace") spaced = Math.max(1, Math.floor(spaced / numbers.blocksize[0]));
    for (const name of outputs) {
      spacing.set(name, spaced);
      seen.set(name, looked);
    }
    farthest = Math.max(farthest, looked);
  }
  return farthest;
}
