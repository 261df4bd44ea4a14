"use strict";
/* The viewer of isthmus compare and isthmus serve: two of several pictures of one size, split, flipped or side by side.
   display() takes {width, height, pictures: [{label, url}], the original first, bits: {...} or null}. */
let DATA = { width: 1, height: 1, pictures: [], bits: null };
const $ = id => document.getElementById(id);
const stage = $("stage"), handle = $("handle");
const state = { a: 0, b: 1, view: "split", split: 0.5, flipped: false, scale: 1, x: 0, y: 0 };

const made = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

/* Of several pictures, {name, about, url, choose}, a row of buttons; the shown one is marked and in sight. */
function drawList(items, shown) {
  const list = $("list");
  list.replaceChildren(...items.map(({ name, about, url, choose }, index) => {
    const parts = [made("img", { src: url, alt: "", loading: "lazy" }), made("b", { textContent: name }), made("small", { textContent: about })];
    const button = made("button", { type: "button", title: name, onclick: choose }, ...parts);
    button.setAttribute("aria-current", index === shown);
    return button;
  }));
  list.scrollLeft = list.children[shown].offsetLeft - list.offsetLeft;
}

for (const side of ["a", "b"]) $(side).onchange = () => { state[side] = +$(side).value; show(); };

function display(data) {
  const moved = data.width !== DATA.width || data.height !== DATA.height;
  DATA = data;
  if (state.view === "bits" && !data.bits) state.view = "split";
  for (const button of document.querySelectorAll("[data-view=bits]")) button.disabled = !data.bits;
  for (const side of ["a", "b"]) {
    $(side).replaceChildren(...data.pictures.map((picture, index) => new Option(picture.label, index)));
    state[side] = Math.min(state[side], data.pictures.length - 1);
  }
  show();
  if (moved) fit();
}

/* One picture alone is neither split nor flipped. */
const view = () => DATA.pictures.length > 1 ? state.view : "one";
const paneWidth = () => view() === "pair" ? (stage.clientWidth - 4) / 2 : stage.clientWidth;

function place() {
  const transform = `translate(${state.x}px, ${state.y}px) scale(${state.scale})`;
  for (const image of [$("ia"), $("ib"), $("ic")]) {
    image.style.transform = transform;
    image.style.imageRendering = state.scale >= 2 ? "pixelated" : "auto";
  }
  const unit = view() === "bits" ? DATA.bits.block : 1;
  $("map").style.transform = `translate(${state.x}px, ${state.y}px) scale(${state.scale * unit})`;
  $("map").style.imageRendering = unit > 1 || state.scale >= 2 ? "pixelated" : "auto";
  const at = state.split * stage.clientWidth;
  handle.style.left = at + "px";
  handle.setAttribute("aria-valuenow", Math.round(100 * state.split));
  $("lb").style.clipPath = view() === "split" ? `inset(0 0 0 ${at}px)` : "none";
}

function show() {
  const pictures = DATA.pictures, { a, b } = state, now = view();
  $("a").value = a; $("b").value = b;
  $("ia").src = pictures[a].url; $("ib").src = pictures[b].url; $("ic").src = pictures[b].url;
  for (const button of document.querySelectorAll("[data-view]")) button.setAttribute("aria-pressed", button.dataset.view === now);
  handle.style.display = now === "split" ? "block" : "none";
  $("second").classList.toggle("on", now === "pair");
  $("la").classList.toggle("on", now !== "flip" || !state.flipped);
  $("lb").classList.toggle("on", now === "split" || (now === "flip" && state.flipped));
  $("lm").classList.toggle("on", now === "error" || now === "bits");
  $("gainbox").hidden = now !== "error";
  const both = now === "split";
  $("ta").textContent = now === "bits" ? DATA.bits.label : now === "flip" && state.flipped ? pictures[b].label : now === "error" ? pictures[b].label : pictures[a].label;
  $("tb").textContent = both ? pictures[b].label : ""; $("tb").hidden = !both;
  $("tc").textContent = pictures[b].label;
  $("legend").textContent = {
    split: "Drag the handle, or focus it and use the arrow keys.",
    flip: "Click the picture or press the space bar to flip between left and right.",
    pair: "Both pictures move and zoom together.",
    error: "", bits: "", one: "Drag to move; zoom with the wheel or the buttons.",
  }[now];
  if (now === "error") drawError();
  if (now === "bits") drawBits();
  place();
}

/* Black through violet and orange to pale yellow: dark is little, bright is much. */
const STOPS = [[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]];
function colour(value) {
  const at = Math.min(Math.max(value, 0), 1) * (STOPS.length - 1), low = Math.min(Math.floor(at), STOPS.length - 2);
  return STOPS[low].map((v, i) => v + (STOPS[low + 1][i] - v) * (at - low));
}

async function pixels(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = new OffscreenCanvas(DATA.width, DATA.height), context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, DATA.width, DATA.height).data;
}

async function drawError() {
  const shown = state.b, gain = +$("gain").value;
  const [from, to] = await Promise.all([pixels(DATA.pictures[0].url), pixels(DATA.pictures[shown].url)]);
  if (state.view !== "error" || state.b !== shown) return;
  const canvas = $("map"), context = canvas.getContext("2d");
  canvas.width = DATA.width; canvas.height = DATA.height;
  const out = context.createImageData(DATA.width, DATA.height);
  for (let i = 0; i < from.length; i += 4) {
    const r = from[i] - to[i], g = from[i + 1] - to[i + 1], b = from[i + 2] - to[i + 2];
    const rgb = colour(Math.sqrt((r * r + g * g + b * b) / 3) * gain / 255);
    out.data[i] = rgb[0]; out.data[i + 1] = rgb[1]; out.data[i + 2] = rgb[2]; out.data[i + 3] = 255;
  }
  context.putImageData(out, 0, 0);
  $("legend").textContent = `Root mean square over R, G and B of ${DATA.pictures[shown].label} against the original; the brightest colour is an error of ${Math.round(255 / gain)} levels of 255 or more.`;
}

function drawBits() {
  const { width, height, values, top, label, block } = DATA.bits, canvas = $("map"), context = canvas.getContext("2d");
  canvas.width = width; canvas.height = height;
  const out = context.createImageData(width, height);
  values.forEach((value, i) => { const rgb = colour(value / top); out.data.set([rgb[0], rgb[1], rgb[2], 255], 4 * i); });
  context.putImageData(out, 0, 0);
  $("legend").textContent = `Bits that ${label} spends on each block of ${block}x${block} pixels; the brightest colour is ${(top / block / block).toFixed(2)} bits per pixel or more.`;
}

function zoom(factor, cx = paneWidth() / 2, cy = stage.clientHeight / 2) {
  const scale = Math.min(Math.max(state.scale * factor, 0.05), 32), ratio = scale / state.scale;
  state.x = cx - (cx - state.x) * ratio; state.y = cy - (cy - state.y) * ratio; state.scale = scale;
  place();
}
function centre(scale) {
  state.scale = scale;
  state.x = (paneWidth() - DATA.width * scale) / 2; state.y = (stage.clientHeight - DATA.height * scale) / 2;
  place();
}
const fit = () => centre(Math.min(paneWidth() / DATA.width, stage.clientHeight / DATA.height));
const flip = () => { state.flipped = !state.flipped; show(); };
function split(to) { state.split = Math.min(Math.max(to, 0), 1); place(); }

$("swap").onclick = () => { [state.a, state.b] = [state.b, state.a]; show(); };
$("in").onclick = () => zoom(2); $("out").onclick = () => zoom(0.5); $("fit").onclick = fit; $("one").onclick = () => centre(1);
$("gain").oninput = drawError;
for (const button of document.querySelectorAll("[data-view]")) button.onclick = () => {
  const resize = (button.dataset.view === "pair") !== (state.view === "pair");
  state.view = button.dataset.view; state.flipped = false; show();
  if (resize) fit();
};

let drag = null;
stage.onpointerdown = event => {
  if (event.button) return;
  drag = { handle: event.target === handle, x: event.clientX, y: event.clientY, moved: false };
  stage.setPointerCapture(event.pointerId);
};
stage.onpointermove = event => {
  if (!drag) return;
  if (drag.handle) { split((event.clientX - stage.getBoundingClientRect().left) / stage.clientWidth); return; }
  const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
  if (!drag.moved && Math.hypot(dx, dy) < 4) return;
  drag.moved = true; drag.x = event.clientX; drag.y = event.clientY;
  state.x += dx; state.y += dy; place();
};
stage.onpointerup = stage.onpointercancel = event => {
  if (drag && !drag.moved && !drag.handle && event.type === "pointerup" && state.view === "flip") flip();
  drag = null;
};
stage.addEventListener("wheel", event => {
  event.preventDefault();
  const box = stage.getBoundingClientRect();
  let cx = event.clientX - box.left;
  if (view() === "pair" && cx > paneWidth()) cx -= paneWidth() + 4;
  zoom(2 ** (-event.deltaY / 300), cx, event.clientY - box.top);
}, { passive: false });
handle.onkeydown = event => {
  const step = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key];
  if (step) { split(state.split + step); event.preventDefault(); }
};
document.onkeydown = event => {
  if (/SELECT|INPUT|BUTTON/.test(event.target.tagName)) return;
  const action = { "+": () => zoom(2), "-": () => zoom(0.5), "0": fit, "1": () => centre(1), " ": () => state.view === "flip" && flip() }[event.key];
  if (action) { action(); event.preventDefault(); }
};
addEventListener("resize", fit);
