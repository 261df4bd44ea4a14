/** Compiles kernels/ to WebAssembly, twice, and writes both as text into build/kernels.js. */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** The second rounds products and sums once, where processors do: twice as many a second. */
const KINDS = { PLAIN: ["--enable", "simd"], RELAXED: ["--enable", "simd,relaxed-simd", "--use", "RELAXED=1"] };

export async function compileKernels() {
  const build = `${ROOT}build`;
  await mkdir(build, { recursive: true });
  let text = "// Made by tools/kernels.js.\n\n";
  for (const [name, options] of Object.entries(KINDS)) {
    const wasm = `build/${name.toLowerCase()}.wasm`;
    const plain = ["--baseDir", ROOT, "-O3", "--runtime", "stub", "--noAssert", "--use", "abort=", "-o", wasm];
    const { error, stderr } = await asc.main(["kernels/index.ts", ...plain, ...options]);
    if (error) throw new Error(`${error.message}\n${stderr}`);
    text += `export const ${name} = "${(await readFile(ROOT + wasm)).toString("base64")}";\n`;
  }
  await writeFile(`${build}/kernels.js`, text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await compileKernels();
