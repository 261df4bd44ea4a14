/** The synthesis networks, of sizes that kernels do not like, compared with plain loops; and models that are refused. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ModelError } from "../src/errors.js";
import { Heap } from "../src/heap.js";
import { Model } from "../src/model.js";
import { haloOf, readNetworks } from "../src/networks.js";
import { filled } from "../src/packing.js";
import { rint } from "../src/rounding.js";
import { Synthesis } from "../src/synthesis.js";

/** @import { Networks } from "../src/networks.js" */

/** @typedef {{shape: number[], numbers: Int8Array | Float32Array}} Stored */
/** @typedef {number[][]} Rows numbers of each position */

const MODELS = new URL("../../../src/isthmus/models/", import.meta.url);
const POINTS = 3;
const GROUPS = [3, 4];
const LATENTS = 7;
const [WIDTH, HIDDEN, CORRECTED, GRID, GRID_HIDDEN] = [5, 9, 6, 3, 11];
const [TALL, BROAD] = [4, 7];
const DIALS = { weights: Float32Array.of(0.25, 0.75, 0), share: 0.5, nominal: 20 };

let state = 1;

/** From 0 to 1, the same each time. */
function random() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}

/** Networks with so many blocks. @param {number} blocks @param {number} gridBlocks */
function made(blocks, gridBlocks) {
  /** @type {Map<string, Stored>} */
  const arrays = new Map();
  const floats = (/** @type {string} */ name, /** @type {number[]} */ shape, low = -0.3, high = 0.3) => {
    const numbers = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => low + (high - low) * random());
    arrays.set(name, { shape, numbers });
  };
  const layer = (/** @type {string} */ name, /** @type {number} */ inputs, /** @type {number} */ outputs, steps = false) => {
    const numbers = Int8Array.from({ length: inputs * outputs }, () => Math.floor(127 * random()) - 63);
    arrays.set(`${name}.weight`, { shape: [inputs, outputs], numbers });
    floats(`${name}.unit`, [outputs], 0.005, 0.01);
    floats(`${name}.bias`, [outputs]);
    if (steps) floats(`${name}.steps`, [2, POINTS], 0.01, 0.02);
  };
  layer("trunk.enter", LATENTS + 1, WIDTH);
  floats("trunk.quality", [POINTS, WIDTH]);
  floats("trunk.tuned", [POINTS, WIDTH]);
  for (let i = 0; i < blocks; i++) {
    layer(`trunk.${i}.depthwise`, 9, WIDTH, true);
    layer(`trunk.${i}.expand`, WIDTH, HIDDEN, true);
    layer(`trunk.${i}.reduce`, HIDDEN, WIDTH);
  }
  floats("trunk.steps", [POINTS], 0.01, 0.02);
  layer("trunk.correct", WIDTH, CORRECTED);
  layer("grid.leave", WIDTH, 16 * GRID);
  floats("grid.pixels.weight", [48, GRID]);
  floats("grid.pixels.bias", [GRID]);
  for (let i = 0; i < gridBlocks; i++) {
    layer(`grid.${i}.spatial`, 9 * GRID, GRID_HIDDEN, true);
    layer(`grid.${i}.mix`, GRID_HIDDEN, GRID);
  }
  floats("grid.last.weight", [GRID, 48]);
  floats("grid.last.bias", [48]);
  return arrays;
}

/** As a model file has them. @param {Map<string, Stored>} arrays */
function fileOf(arrays) {
  const get = (/** @type {string} */ name) => /** @type {Stored} */ (arrays.get(name));
  return {
    name: "small",
    groups: GROUPS,
    points: POINTS,
    names: [...arrays.keys()],
    shapeOf: (/** @type {string} */ name) => get(name).shape,
    array: (/** @type {string} */ name) => get(name).numbers,
    close: () => {},
  };
}

/** What docs/format.md says, number by number. */
class Plain {
  /** @param {Map<string, Stored>} arrays */
  constructor(arrays) {
    this.arrays = arrays;
    this.blocks = (/** @type {RegExp} */ layer) => [...arrays.keys()].filter((name) => layer.test(name)).length;
  }

  /** @param {string} name */
  numbers(name) {
    return /** @type {Stored} */ (this.arrays.get(name)).numbers;
  }

  /** @param {string} name @param {number} [row] */
  step(name, row = 0) {
    const steps = this.numbers(name);
    return Math.exp(DIALS.weights.reduce((sum, weight, k) => sum + weight * Math.log(steps[row * POINTS + k]), 0));
  }

  /** @param {string} name @param {Rows} rows whole numbers @param {number} step @param {boolean} [whole] whether the bias is */
  layer(name, rows, step, whole = false) {
    const [weight, unit, bias] = ["weight", "unit", "bias"].map((part) => this.numbers(`${name}.${part}`));
    return rows.map((x) =>
      Array.from(unit, (one, k) => {
        const own = step * one;
        return own * x.reduce((sum, value, i) => sum + value * weight[i * unit.length + k], 0) + (whole ? rint(bias[k] / own) * own : bias[k]);
      }),
    );
  }

  /** @param {string} name @param {Rows} rows */
  float(name, rows) {
    const [weight, bias] = ["weight", "bias"].map((part) => this.numbers(`${name}.${part}`));
    return rows.map((x) => Array.from(bias, (b, k) => x.reduce((sum, value, i) => sum + value * weight[i * bias.length + k], b)));
  }

  /** @param {Rows} features */
  atSixteenth(features) {
    const { weights, share } = DIALS;
    const [quality, tuned] = ["trunk.quality", "trunk.tuned"].map((name) => this.numbers(name));
    const dialled = (/** @type {number} */ c) =>
      weights.reduce((sum, weight, k) => sum + weight * (quality[k * WIDTH + c] + share * tuned[k * WIDTH + c]), 0);
    let x = this.layer("trunk.enter", features, 1 / 16).map((row) => row.map((value, c) => value + dialled(c)));
    x = x.map((row) => row.map((value) => (value < 0 ? value / 8 : value)));
    for (let i = 0; i < this.blocks(/depthwise.weight/); i++) {
      const name = `trunk.${i}.depthwise`;
      const [before, after] = [this.step(`${name}.steps`), this.step(`${name}.steps`, 1)];
      const [weight, unit, bias] = ["weight", "unit", "bias"].map((part) => this.numbers(`${name}.${part}`));
      const seen = windows(whole(x, before), BROAD, TALL);
      const near = seen.map((window) =>
        Array.from(unit, (one, c) => {
          const own = before * one;
          let sum = rint(bias[c] / own);
          for (let t = 0; t < 9; t++) sum += window[t * WIDTH + c] * weight[t * WIDTH + c];
          return own * sum;
        }),
      );
      x = added(x, whole(near, after), after);
      const expand = `trunk.${i}.expand`;
      const [narrow, broad] = [this.step(`${expand}.steps`), this.step(`${expand}.steps`, 1)];
      const wide = whole(this.layer(expand, whole(x, narrow), narrow, true), broad, 0, 255);
      x = added(x, this.layer(`trunk.${i}.reduce`, wide, broad));
    }
    const step = this.step("trunk.steps");
    const hidden = whole(x, step);
    return { hidden, corrections: this.layer("trunk.correct", hidden, step) };
  }

  /** @param {Rows} hidden @param {Float32Array} planes */
  onGrid(hidden, planes) {
    const [rows, columns] = [4 * (TALL - 1), 4 * (BROAD - 1)];
    const left = this.layer("grid.leave", hidden, this.step("trunk.steps"));
    const place = (/** @type {number} */ p, /** @type {number} */ k) => {
      const [i, j] = [4 * Math.floor(p / columns) + Math.floor(k / 12), (4 * (p % columns) + Math.floor((k % 12) / 3))];
      return (i * 4 * columns + j) * 3 + (k % 3);
    };
    const squares = Array.from({ length: rows * columns }, (_, p) => Array.from({ length: 48 }, (_, k) => planes[place(p, k)]));
    let x = this.float("grid.pixels", squares).map((row, p) => {
      const [i, j] = [Math.floor(p / columns) + 2, (p % columns) + 2];
      const from = left[Math.floor(i / 4) * BROAD + Math.floor(j / 4)];
      return row.map((value, g) => value + from[((i % 4) * 4 + (j % 4)) * GRID + g]);
    });
    for (let i = 0; i < this.blocks(/spatial.weight/); i++) {
      const name = `grid.${i}.spatial`;
      const [before, after] = [this.step(`${name}.steps`), this.step(`${name}.steps`, 1)];
      const seen = this.layer(name, windows(whole(x, before), columns, rows), before, true);
      x = added(x, this.layer(`grid.${i}.mix`, whole(seen, after, 0, 255), after));
    }
    const out = Array.from(planes);
    this.float("grid.last", x).forEach((row, p) => row.forEach((value, k) => (out[place(p, k)] += value)));
    return out.map((value) => Math.floor(Math.max(0, Math.min(255, value * DIALS.nominal + 128.5))));
  }
}

/** @param {Rows} x @param {number} step */
function whole(x, step, low = -128, high = 127) {
  return x.map((row) => row.map((value) => Math.max(low, Math.min(high, rint(value / step)))));
}

/** @param {Rows} x @param {Rows} y @param {number} [step] */
function added(x, y, step = 1) {
  return x.map((row, p) => row.map((value, c) => value + step * y[p][c]));
}

/** What lies in windows of 3x3 positions, zeros beyond the edges. @param {Rows} x @param {number} columns @param {number} rows */
function windows(x, columns, rows) {
  return x.map((own, p) =>
    Array.from({ length: 9 }, (_, t) => {
      const [i, j] = [Math.floor(p / columns) + Math.floor(t / 3) - 1, (p % columns) + (t % 3) - 1];
      return i < 0 || j < 0 || i >= rows || j >= columns ? own.map(() => 0) : x[i * columns + j];
    }).flat(),
  );
}

for (const [blocks, gridBlocks] of [[2, 3], [1, 1], [0, 0]]) {
  test(`${blocks} and ${gridBlocks} blocks compute what the format says`, async () => {
    const heap = await Heap.make();
    const arrays = made(blocks, gridBlocks);
    const networks = readNetworks(/** @type {any} */ (fileOf(arrays)));
    const synthesis = new Synthesis(heap, networks);
    const size = TALL * BROAD;
    const features = Array.from({ length: size }, () => Array.from({ length: LATENTS + 1 }, () => Math.floor(255 * random()) - 127));
    const planes = Float32Array.from({ length: 16 * (TALL - 1) * 16 * (BROAD - 1) * 3 }, () => 8 * random() - 4);
    const places = [2 * filled(LATENTS + 1), 2 * filled(WIDTH), 4 * filled(CORRECTED)].map((bytes) => heap.take(size * bytes));
    const [seen, hidden, corrections] = places;
    const [samples, pixels] = [heap.keep(planes), heap.take(planes.length)];
    heap.i16(seen, size * filled(LATENTS + 1)).fill(0);
    features.forEach((row, p) => heap.i16(seen, size * filled(LATENTS + 1)).set(row, p * filled(LATENTS + 1)));
    synthesis.atSixteenth(hidden, corrections, seen, TALL, BROAD, DIALS);
    const plain = new Plain(arrays);
    const want = plain.atSixteenth(features);
    want.hidden.forEach((row, p) => {
      assert.deepEqual(Array.from(heap.i16(hidden + 2 * p * filled(WIDTH), WIDTH)), row.map((value) => value + 0));
    });
    want.corrections.flat().forEach((value, at) => {
      const [p, k] = [Math.floor(at / CORRECTED), at % CORRECTED];
      assert.ok(Math.abs(heap.f32(corrections, size * filled(CORRECTED))[p * filled(CORRECTED) + k] - value) < 1e-4);
    });
    synthesis.onGrid(pixels, samples, hidden, TALL, BROAD, DIALS);
    const got = heap.u8(pixels, planes.length);
    const apart = plain.onGrid(want.hidden, planes).map((value, at) => Math.abs(value - got[at]));
    assert.ok(Math.max(...apart) <= 1, `${Math.max(...apart)} levels apart`);
    assert.ok(apart.filter((one) => one > 0).length < planes.length / 1000);
    assert.ok(new Set(got).size > 100);
  });
}

test("the halo is that of the format", () => {
  assert.deepEqual([haloOf(2, 4), haloOf(1, 2), haloOf(0, 0)], [5, 4, 2]);
});

/** @typedef {Record<string, {dtype: string, shape: number[], bytes: Uint8Array}>} Arrays */

/** A model of the package, changed. @param {(arrays: Arrays) => void} change */
function changed(change) {
  const { id } = JSON.parse(readFileSync(new URL("index.json", MODELS), "utf8")).find((/** @type {{name: string}} */ { name }) => name === "fast");
  const file = readFileSync(new URL(`${id}.isthmodel`, MODELS));
  const length = Number(file.readBigUInt64LE());
  const { __metadata__: metadata, ...entries } = JSON.parse(file.subarray(8, 8 + length).toString());
  const body = file.subarray(8 + length);
  /** @type {Arrays} */
  const arrays = {};
  for (const [name, { dtype, shape, data_offsets: place }] of Object.entries(entries)) {
    arrays[name] = { dtype, shape, bytes: new Uint8Array(body.subarray(...place)) };
  }
  change(arrays);
  let end = 0;
  const stored = Object.entries(arrays).map(([name, { dtype, shape, bytes }]) => {
    const begin = end;
    end += bytes.length;
    return [name, { dtype, shape, data_offsets: [begin, end] }];
  });
  const header = Buffer.from(JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(stored) }));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  return new Uint8Array(Buffer.concat([size, header, ...Object.values(arrays).map(({ bytes }) => bytes)]));
}

/** @param {string} name @param {number} value of the first number */
function first(name, value) {
  return (/** @type {Arrays} */ arrays) => {
    const { dtype, bytes } = arrays[name];
    if (dtype === "I8") bytes[0] = value;
    else new DataView(bytes.buffer, bytes.byteOffset).setFloat32(0, value, true);
  };
}

test("a model that is written again is one", async () => {
  assert.ok(new Model(await Heap.make(), changed(() => {})).halo > 0);
});

/** @type {[string, (arrays: Arrays) => void, RegExp][]} */
const REFUSED = [
  ["a weight of 8 bits", first("grid.0.spatial.weight", 64), /grid.0.spatial.weight: expected within/],
  ["another weight of 8 bits", first("trunk.enter.weight", -128), /trunk.enter.weight: expected within/],
  ["a step of 0", first("trunk.0.expand.steps", 0), /trunk.0.expand.steps: expected positive numbers/],
  ["a unit without end", first("grid.leave.unit", Infinity), /grid.leave.unit: expected positive numbers/],
  ["a bias that is no number", first("grid.last.bias", NaN), /grid.last.bias: expected finite numbers/],
  ["nothing", (arrays) => delete arrays["trunk.quality"], /expected trunk.quality F32 .*got nothing/],
  ["no networks", (arrays) => delete arrays["trunk.correct.weight"], /expected trunk.correct.weight of 2 axes/],
  ["another shape", (arrays) => arrays["grid.0.mix.bias"].shape.push(1), /expected grid.0.mix.bias F32/],
  ["another type", (arrays) => (arrays["trunk.enter.weight"].dtype = "U8"), /expected trunk.enter.weight I8/],
  ["an unknown array", (arrays) => (arrays["trunk.more"] = { dtype: "U8", shape: [0], bytes: new Uint8Array(0) }), /unknown.*trunk.more/],
  ["a block without its layers", (arrays) => (arrays["grid.2.spatial.weight"] = arrays["grid.1.spatial.weight"]), /expected grid.2.spatial/],
  ["layers without channels", (arrays) => (arrays["trunk.correct.weight"].shape[1] = 0), /is none|of other widths/],
  ["sides that are no numbers", (arrays) => (arrays["trunk.correct.weight"].shape = /** @type {any} */ (["160", 384])), /has sides 160,384/],
  ["blocks that look too far", (arrays) => many(arrays, 31), /look too far around/],
];

/** Depthwise layers that are only counted. @param {Arrays} arrays @param {number} count */
function many(arrays, count) {
  for (let i = 1; i < count; i++) arrays[`trunk.${i}.depthwise.weight`] = arrays["trunk.0.depthwise.weight"];
}

for (const [what, change, message] of REFUSED) {
  test(`refused: ${what}`, async () => {
    const heap = await Heap.make();
    assert.throws(() => new Model(heap, changed(change)), (error) => error instanceof ModelError && message.test(error.message));
  });
}
