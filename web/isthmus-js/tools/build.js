/**
 * Builds `isthmus.js` for browsers, one file with the library, its worker and its kernels, and `build/isthmus-sw.js`, the
 * service worker. An argument says where the first goes.
 */

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
const BANNER = { js: "/* Made from web/isthmus-js by `npm run build`. With pako, MIT and Zlib licence. */" };

await compileKernels();
// Alone: a service worker is a file of its own, and no page loads both.
await build({ ...SHARED, entryPoints: ["src/service-worker.js"], format: "iife", outfile: "build/isthmus-sw.js", banner: BANNER });
const worker = await build({ ...SHARED, entryPoints: ["src/worker.js"], format: "iife", write: false });
await writeFile(`${ROOT}build/worker.js`, `export const WORKER = ${JSON.stringify(worker.outputFiles[0].text)};\n`);
const outfile = process.argv[2] ?? PACKAGE;
await build({ ...SHARED, entryPoints: ["src/index.js"], format: "esm", outfile, banner: BANNER });
