/** Builds one file for browsers, `isthmus.js`: the library, its worker and its kernels. An argument says where it goes. */

import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { compileKernels } from "./kernels.js";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PACKAGE = fileURLToPath(new URL("../../../src/isthmus/album/isthmus.js", import.meta.url));
const SHARED = /** @type {const} */ ({
  absWorkingDir: ROOT,
  bundle: true,
  minify: true,
  // Errors say what they are by the names of their classes.
  keepNames: true,
  target: "es2022",
  legalComments: "none",
});

await compileKernels();
const worker = await build({ ...SHARED, entryPoints: ["src/worker.js"], format: "iife", write: false });
await writeFile(`${ROOT}build/worker.js`, `export const WORKER = ${JSON.stringify(worker.outputFiles[0].text)};\n`);
const banner = { js: "/* Made from web/isthmus-js by `npm run build`. With pako, MIT and Zlib licence. */" };
const outfile = process.argv[2] ?? PACKAGE;
await build({ ...SHARED, entryPoints: ["src/index.js"], format: "esm", outfile, banner });
