"use strict";
/* What isthmus serve adds to the viewer: dropping, the quality dial, the table and the latent channels. */
let dropped = null;      // what POST /pictures answered
let results = [];        // one for each codec, in the order of the table; null until the first answer
let bits = null;
let round = null;        // aborts what the last position of the dial asked for

const at = path => `/pictures/${dropped.key}/${path}?quality=${$("quality").value}`;

function fail(message) {
  $("error").textContent = message;
  $("error").hidden = !message;
}

async function ask(path, signal, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { signal, ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("isthmus serve does not answer. Is it still running?");
  }
  if (!answer.ok) throw new Error((await answer.json()).error);
  return answer;
}

async function drop(file) {
  round?.abort();
  fail("");
  $("drop").setAttribute("aria-busy", "true");
  try {
    const answer = await ask(`/pictures/?name=${encodeURIComponent(file.name)}`, undefined, { method: "POST", body: file });
    dropped = await answer.json();
  } catch (error) {
    fail(`${file.name}: ${error.message}`);
    return;
  } finally {
    $("drop").removeAttribute("aria-busy");
  }
  $("work").hidden = false;
  results = dropped.info ? [] : dropped.codecs.map(() => null);
  bits = null;
  state.a = 0; state.b = 1;
  describe();
  refresh();
}

function describe() {
  const { name, width, height, shown, notes, info, absent } = dropped;
  const whole = shown.width === width && shown.height === height;
  const parts = [`${name}, ${width} x ${height} pixels.`];
  if (info) parts.push(`${info.bytes.toLocaleString("en")} bytes, ${info.bpp.toFixed(3)} bits per pixel, quality ${info.quality}, model ${info.model_id}.`);
  if (!whole) parts.push(info
    ? `Shown: the middle ${shown.width} x ${shown.height} pixels.`
    : `Shown and measured: the middle ${shown.width} x ${shown.height} pixels; the download holds all.`);
  if (notes.length) parts.push(`Note: ${notes.join("; ")}.`);
  $("about").textContent = parts.join(" ");
  $("notes").textContent = absent.join(" ");
  for (const part of ["figures", "quality", "shown-quality"]) $(part).hidden = Boolean(info);
  document.querySelector("label[for=quality]").hidden = Boolean(info);
  if (info) $("quality").value = info.quality;
}

function redraw() {
  const pictures = [{ label: dropped.info ? dropped.name : "Original", url: `/pictures/${dropped.key}/shown.webp` }];
  for (const result of results) if (result) pictures.push({ label: `${result.label} · ${result.bytes.toLocaleString("en")} bytes`, url: result.url });
  if (pictures.length > 1 && state.a === state.b) state.b = 1 - Math.min(state.a, 1);
  if (state.view === "bits" && !bits) state.view = "split";
  document.querySelector("[data-view=bits]").disabled = !bits;
  document.querySelector("[data-view=error]").disabled = pictures.length < 2;
  display({ ...dropped.shown, pictures, bits });
  $("rows").replaceChildren(...results.filter(Boolean).map((result, index) => {
    const row = document.createElement("tr");
    row.className = `${index ? "" : "own"} ${result.stale ? "stale" : ""}`;
    for (const text of [result.label, ...result.cells, result.settings]) row.append(Object.assign(document.createElement("td"), { textContent: text }));
    row.lastChild.className = "text";
    return row;
  }));
}

/* isthmus first, then where its bits went, then the rivals one by one; a new position of the dial ends it. */
async function refresh() {
  round?.abort();
  round = new AbortController();
  const { signal } = round;
  $("shown-quality").textContent = $("quality").value;
  $("download").href = at("file.isth");
  for (const result of results) if (result) result.stale = true;
  redraw();
  try {
    for (const [index, codec] of (dropped.info ? [] : dropped.codecs).entries()) {
      $("status").textContent = `${codec} ...`;
      const answer = await (await ask(at(`codecs/${codec}`), signal)).json();
      results[index] = { ...answer, url: at(`codecs/${codec}/decoded.webp`), stale: false };
      redraw();
      if (index === 0) {
        bits = await (await ask(at("bits"), signal)).json();
        redraw();
      }
    }
    $("status").textContent = "";
    if ($("latents").open) await showPlane(signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    $("status").textContent = "";
    fail(error.message);
  }
}

async function showPlane(signal) {
  const channel = Math.max(0, Math.round(+$("channel").value || 0));
  const answer = await ask(at(`latents/${channel}.png`), signal);
  const count = +answer.headers.get("Isthmus-Channels");
  const [middle, reach] = answer.headers.get("Isthmus-Range").split(" ").map(Number);
  $("channel").max = count - 1;
  const reader = new FileReader();
  reader.onload = () => { $("plane").src = reader.result; };
  reader.readAsDataURL(await answer.blob());
  $("plane-about").textContent = `Channel ${channel} of 0 to ${count - 1}, in coding order. Grey is ${middle}, white and black are ${reach} quantization steps above and below.`;
}

const plane = () => showPlane(round?.signal).catch(error => { if (error.name !== "AbortError") fail(error.message); });
const step = by => { $("channel").value = Math.min(Math.max(+$("channel").value + by, 0), +$("channel").max || Infinity); plane(); };

$("file").onchange = () => { if ($("file").files.length) drop($("file").files[0]); };
$("quality").oninput = () => { $("shown-quality").textContent = $("quality").value; };
$("quality").onchange = refresh;
$("latents").ontoggle = () => { if ($("latents").open && dropped) plane(); };
$("channel").onchange = plane;
$("earlier").onclick = () => step(-1);
$("later").onclick = () => step(1);
addEventListener("dragover", event => { event.preventDefault(); $("drop").classList.add("over"); });
addEventListener("dragleave", () => $("drop").classList.remove("over"));
addEventListener("drop", event => {
  event.preventDefault();
  $("drop").classList.remove("over");
  if (event.dataTransfer.files.length) drop(event.dataTransfer.files[0]);
});
addEventListener("paste", event => { if (event.clipboardData.files.length) drop(event.clipboardData.files[0]); });
