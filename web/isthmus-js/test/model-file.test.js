/** Where the arrays of a model file may lie, as Python's reader has it: scripts/web_vectors.py wrote it. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { hex } from "../src/bytes.js";
import { ModelError } from "../src/errors.js";
import { readModelFile } from "../src/model-file.js";

/** @typedef {{what: string, file: string, arrays: Record<string, ["U8" | "F32", string]> | null}} Row kinds and bytes, null if it is refused */

/** @type {Row[]} */
const rows = JSON.parse(readFileSync(new URL("model-files.json", import.meta.url), "utf8"));

for (const { what, file, arrays } of rows) {
  const bytes = new Uint8Array(Buffer.from(file, "base64"));
  test(`arrays of a model file: ${what}`, () => {
    if (!arrays) return assert.throws(() => readModelFile(bytes), (error) => error instanceof ModelError && /is none/.test(error.message));
    const found = readModelFile(bytes);
    assert.deepEqual(found.names.toSorted(), Object.keys(arrays));
    for (const [name, [kind, own]] of Object.entries(arrays)) {
      assert.equal(hex(new Uint8Array(found.array(name, kind, [undefined]).buffer)), own);
    }
  });
}

test("a model file that says nothing of itself", () => {
  const header = Buffer.from(JSON.stringify({ __metadata__: { isthmus: "null" } }));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  assert.throws(() => readModelFile(new Uint8Array(Buffer.concat([size, header]))), ModelError);
});
