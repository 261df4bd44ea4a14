/** `<isth-img src alt width height loading fallback>`: a preview first, then the picture at the size it is shown at. */

import { parse } from "./container.js";
import { ask, configure } from "./pool.js";

const SCALES = [16, 8, 4, 2, 1];
/** Pictures of fewer pixels are there nearly as soon as their preview. */
const WITH_PREVIEW = 200_000;
/** How far from the window a lazy picture begins. */
const MARGIN = "50%";
const STYLE = `
  :host { display: inline-block; overflow: hidden; }
  canvas { display: block; width: 100%; height: 100%; object-fit: contain; }
  [hidden] { display: none; }
`;

const Base = globalThis.HTMLElement ?? Object;

export class IsthImg extends Base {
  /** For pages that have no import of their own: as `configure` of the library. */
  static configure = configure;

  static observedAttributes = ["src", "alt", "width", "height", "fallback"];

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    const style = document.createElement("style");
    style.textContent = STYLE;
    this.canvas = document.createElement("canvas");
    root.append(style, this.canvas, document.createElement("slot"));
    /** The file, as soon as it is there. @type {Uint8Array | undefined} */
    this.bytes = undefined;
    /** Gives the file, where the page has it already. @type {(() => Promise<Uint8Array>) | undefined} */
    this.give = undefined;
    this.turn = 0;
    this.scale = 0;
    /** @type {{width: number, height: number} | undefined} */
    this.size = undefined;
    this.seen = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) this.begin();
    }, { rootMargin: MARGIN });
    // Shown larger, it needs more of its pixels.
    this.resized = new ResizeObserver(() => void (this.size && this.show(this.turn)));
  }

  connectedCallback() {
    this.setAttribute("role", "img");
    this.layout();
    this.start();
    this.resized.observe(this);
  }

  disconnectedCallback() {
    this.turn++;
    this.seen.disconnect();
    this.resized.disconnect();
  }

  /** @param {string} name @param {string | null} before @param {string | null} now */
  attributeChangedCallback(name, before, now) {
    if (!this.isConnected || before === now) return;
    if (name === "src") {
      this.bytes = this.give = undefined;
      this.start();
    } else this.layout();
  }

  /** Shows a file that the page has already, and gives when it is wanted. @param {() => Promise<Uint8Array>} give */
  showBytes(give) {
    this.bytes = undefined;
    this.give = give;
    if (this.isConnected) this.start();
  }

  layout() {
    this.setAttribute("aria-label", this.getAttribute("alt") ?? "");
    const [width, height] = ["width", "height"].map((name) => Number(this.getAttribute(name)) || 0);
    const shape = width && height ? { width, height } : this.size;
    if (width) this.style.width = `${width}px`;
    if (shape) this.style.aspectRatio = `${shape.width} / ${shape.height}`;
    if (shape && !width && !this.style.width) this.style.width = `min(100%, ${shape.width}px)`;
  }

  start() {
    this.turn++;
    this.scale = 0;
    this.size = undefined;
    if (this.getAttribute("loading") === "lazy") this.seen.observe(this);
    else this.begin();
  }

  begin() {
    this.seen.unobserve(this);
    void this.load(this.turn);
  }

  /** @param {number} turn that it is for: a later one makes it void */
  async load(turn) {
    try {
      if (!this.bytes) {
        const bytes = await (this.give ? this.give() : this.fetch());
        if (!bytes || turn !== this.turn) return;
        this.bytes = bytes;
      }
      const { width, height } = parse(this.bytes).header;
      this.size = { width, height };
      this.layout();
      if (width * height > WITH_PREVIEW) await this.draw(turn, 16);
      await this.show(turn);
    } catch (error) {
      if (turn === this.turn) this.fail(error);
    }
  }

  async fetch() {
    const address = this.getAttribute("src");
    if (!address) return undefined;
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`${address}: ${answer.status} ${answer.statusText}`);
    return new Uint8Array(await answer.arrayBuffer());
  }

  /** Draws the picture as large as it is shown, if it is not there yet. @param {number} turn */
  async show(turn) {
    if (!this.size) return;
    const wanted = Math.max(this.clientWidth, 1) * (globalThis.devicePixelRatio || 1);
    const { width } = this.size;
    const scale = SCALES.find((one) => Math.ceil(width / one) >= wanted) ?? 1;
    if (this.scale && this.scale <= scale && this.scale !== 16) return;
    try {
      await this.draw(turn, scale);
      if (turn === this.turn) this.dispatchEvent(new Event("load"));
    } catch (error) {
      if (turn === this.turn) this.fail(error);
    }
  }

  /** @param {number} turn @param {number} scale */
  async draw(turn, scale) {
    if (!this.bytes) return;
    const before = this.scale;
    this.scale = scale;
    const { bitmap, width, height } = await ask(this.bytes, { scale }, true);
    // A finer one may have come first.
    if (turn !== this.turn || (before && this.scale < scale)) return bitmap.close();
    this.canvas.width = width;
    this.canvas.height = height;
    this.canvas.getContext("bitmaprenderer")?.transferFromImageBitmap(bitmap);
    this.dispatchEvent(new CustomEvent("isth-draw", { detail: { scale } }));
  }

  /** Shows the picture that the page gives for those who cannot have this one, and says why. @param {unknown} error */
  fail(error) {
    const instead = this.getAttribute("fallback");
    if (instead && !this.querySelector("img")) {
      const image = document.createElement("img");
      image.src = instead;
      image.alt = this.getAttribute("alt") ?? "";
      image.style.maxWidth = "100%";
      this.canvas.hidden = true;
      this.append(image);
    }
    this.dispatchEvent(new ErrorEvent("error", { error, message: String(error) }));
  }
}

if (globalThis.customElements && !customElements.get("isth-img")) customElements.define("isth-img", IsthImg);
