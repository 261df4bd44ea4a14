/** Which AV1 is handed to no decoder, as in Python: scripts/web_vectors.py wrote it. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { asAvif } from "../src/av1.js";
import { CorruptError } from "../src/errors.js";

/** @typedef {{obus: string, height: number, width: number, error: string}} Row `error` is "" where a decoder is asked */

/** @type {Row[]} */
const rows = JSON.parse(readFileSync(new URL("obus.json", import.meta.url), "utf8"));

test("damaged headers of AV1 are the same errors", () => {
  for (const { obus, height, width, error: want } of rows) {
    let found = "";
    try {
      asAvif(new Uint8Array(Buffer.from(obus, "base64")), height, width, "it");
    } catch (error) {
      assert.ok(error instanceof CorruptError, String(error));
      found = error.what;
    }
    assert.equal(found, want, obus);
  }
});
