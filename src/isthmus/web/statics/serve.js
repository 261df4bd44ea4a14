"use strict";
/* What isthmus serve adds to the viewer: dropping, the list of pictures, the dials, the table, downloads and the
   latent channels. An entry is what POST /pictures answered with what was made of it since: results, one for each codec
   in the order of the table (null until the first answer), bits, and formats of a dropped .isth file. */
const entries = [];
let entry = null;        // the one that is shown
let round = null;        // aborts what the last position of the dial asked for

/* The second dial is there only if the weights have it. */
const tune = () => ($("tune") ? `&tune=${$("tune").value}` : "");
const at = (path, of = entry) => `/pictures/${of.key}/${path}?quality=${$("quality").value}${tune()}`;
const tuneText = value => ({ 0: "psnr", 1: "eye" })[value] ?? `${value}`;
const bytes = count => `${count.toLocaleString("en")} bytes`;

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

/* One after another: the first is looked at while the others still arrive. */
async function drop(files) {
  const refused = [];
  let first = true;
  fail("");
  document.body.classList.add("busy");
  for (const file of files) {
    try {
      const answer = await ask(`/pictures/?name=${encodeURIComponent(file.name)}`, undefined, { method: "POST", body: file });
      const found = await answer.json();
      entries.push({ ...found, results: found.info ? [] : found.codecs.map(() => null), bits: null, formats: [] });
      if (first) choose(entries.at(-1)); else list();
      first = false;
    } catch (error) {
      refused.push(`${file.name}: ${error.message}`);
      fail(refused.join("\n"));
    }
  }
  document.body.classList.remove("busy");
}

function choose(chosen) {
  entry = chosen;
  $("start").hidden = true;
  $("work").hidden = $("more").hidden = false;
  state.a = 0; state.b = 1;
  list();
  describe();
  refresh();
}

function list() {
  $("list").hidden = entries.length < 2;
  drawList(entries.map(each => ({
    name: each.name,
    about: `${each.width} x ${each.height}, ${bytes(each.bytes)}`,
    url: `/pictures/${each.key}/shown.webp`,
    choose: () => choose(each),
  })), entries.indexOf(entry));
}

const whole = () => entry.shown.width === entry.width && entry.shown.height === entry.height;

const madeBy = ({ sharp, model_id }) => [
  sharp < 1 && `model ${model_id}`, sharp > 0 && `${Math.round(100 * sharp)} % in the sharp layer`,
].filter(Boolean).join(", ");

function describe() {
  const { name, width, height, shown, notes, info, absent } = entry;
  const parts = [`${name}, ${width} x ${height} pixels, ${bytes(entry.bytes)}.`];
  if (info) {
    const dials = `Quality ${info.quality}${info.tune === null ? "" : `, tune ${tuneText(info.tune)}`}`;
    parts.push(info.lossless ? "Lossless." : `${dials}, ${madeBy(info)}.`);
  }
  if (!whole()) parts.push(info
    ? `Shown: the middle ${shown.width} x ${shown.height} pixels; downloads hold all.`
    : `Shown and measured: the middle ${shown.width} x ${shown.height} pixels; downloads hold all.`);
  if (notes.length) parts.push(`Note: ${notes.join("; ")}.`);
  $("about").textContent = parts.join(" ");
  $("notes").textContent = info ? "" : absent.join(" ");
  for (const part of ["quality", "shown-quality"]) $(part).hidden = Boolean(info);
  document.querySelector("label[for=quality]").hidden = $("choice").hidden = Boolean(info);
  $("figures").classList.toggle("few", Boolean(info));
  if ($("tuning")) $("tuning").hidden = Boolean(info);
  if (info) $("quality").value = info.quality;
}

/* The file that was dropped, then what was made of it. */
function tableRows() {
  const given = { label: entry.info ? "The .isth file" : whole() ? "Original" : "Original, all of it", cells: entry.cells, own: Boolean(entry.info) };
  return [given, ...entry.results.map((result, index) => result && { ...result, own: index === 0 }), ...entry.formats].filter(Boolean);
}

function redraw() {
  const { results, bits, info, key } = entry;
  const label = info ? entry.name : whole() ? `Original · ${bytes(entry.bytes)}` : "Original";
  const pictures = [{ label, url: `/pictures/${key}/shown.webp` }];
  for (const result of results) if (result) pictures.push({ label: `${result.label} · ${bytes(result.bytes)}`, url: result.url });
  if (pictures.length > 1 && state.a === state.b) state.b = 1 - Math.min(state.a, 1);
  document.querySelector("[data-view=error]").disabled = pictures.length < 2;
  display({ ...entry.shown, pictures, bits });
  const heads = [...document.querySelectorAll("#figures th")].slice(1).map(head => head.textContent);
  $("rows").replaceChildren(...tableRows().map(row => {
    const cells = heads.map((head, index) => {
      const cell = made("td", { textContent: row.cells[index] ?? "" });
      cell.dataset.head = head;
      return cell;
    });
    return made("tr", { className: `${row.own ? "own" : ""} ${row.stale ? "stale" : ""}` }, made("td", { textContent: row.label }), ...cells);
  }));
  $("settings").replaceChildren(...results.filter(Boolean).flatMap(result => [made("dt", { textContent: result.label }), made("dd", { textContent: result.settings })]));
}

function showDials() {
  $("shown-quality").textContent = $("quality").value;
  if ($("tune")) $("shown-tune").textContent = tuneText($("tune").value);
}

/* isthmus first, then where its bits went, then the rivals one by one; a new position of the dial ends it. */
async function refresh() {
  round?.abort();
  round = new AbortController();
  const { signal } = round, shown = entry;
  showDials();
  for (const link of document.querySelectorAll("[data-suffix]")) {
    link.href = at(`file.${link.dataset.suffix}`);
    link.hidden = !shown.suffixes.includes(link.dataset.suffix);
  }
  for (const result of shown.results) if (result) result.stale = true;
  redraw();
  try {
    for (const [index, codec] of (shown.info ? [] : shown.codecs).entries()) {
      $("status").textContent = `${codec} ...`;
      const answer = await (await ask(at(`codecs/${codec}`, shown), signal)).json();
      shown.results[index] = { ...answer, url: at(`codecs/${codec}/decoded.webp`, shown), stale: false };
      redraw();
      if (index === 0) {
        shown.bits = await (await ask(at("bits", shown), signal)).json();
        redraw();
      }
    }
    if (shown.info) {
      $("status").textContent = "PNG and JPEG ...";
      shown.formats = await (await ask(at("formats", shown), signal)).json();
      redraw();
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

$("file").onchange = () => {
  const files = [...$("file").files];
  $("file").value = "";  // or the same file, chosen again, would be no change
  if (files.length) drop(files);
};
$("try").onclick = async () => {
  const url = $("try").querySelector("img").src;
  try {
    drop([new File([await (await ask(url)).blob()], url.split("/").at(-1))]);
  } catch (error) {
    fail(error.message);
  }
};
for (const dial of [$("quality"), $("tune")]) {
  if (dial) {
    dial.oninput = showDials;
    dial.onchange = refresh;
  }
}
$("latents").ontoggle = () => { if ($("latents").open && entry) plane(); };
$("channel").onchange = plane;
$("earlier").onclick = () => step(-1);
$("later").onclick = () => step(1);
addEventListener("dragover", event => { event.preventDefault(); document.body.classList.add("over"); });
addEventListener("dragleave", () => document.body.classList.remove("over"));
addEventListener("drop", event => {
  event.preventDefault();
  document.body.classList.remove("over");
  if (event.dataTransfer.files.length) drop([...event.dataTransfer.files]);
});
addEventListener("paste", event => { if (event.clipboardData.files.length) drop([...event.clipboardData.files]); });
