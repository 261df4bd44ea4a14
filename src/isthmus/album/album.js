// Gives the decoder, which the page has already run, the weights and pictures that the page carries.
// The browser itself decodes base64, a piece at a time, so that the page never waits.
const bytes = async (pieces) => {
  const parts = [];
  for (const piece of pieces) {
    const answer = await fetch(`data:application/octet-stream;base64,${piece}`);
    parts.push(await answer.arrayBuffer());
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
};
const models = globalThis.isthmusWeights ?? {};
for (const { dataset, text } of document.querySelectorAll("[data-model]")) (models[dataset.model] ??= []).push(text);
const given = {};
for (const [id, pieces] of Object.entries(models)) given[id] = await bytes(pieces);
customElements.get("isth-img").configure({ given });
for (const picture of document.querySelectorAll("isth-img")) {
  const figure = picture.parentElement;
  picture.tabIndex = 0;
  picture.addEventListener("error", (event) => {
    const words = document.createElement("p");
    words.className = "wrong";
    words.textContent = event.message;
    figure.append(words);
  });
  const turn = () => figure.classList.toggle("whole");
  picture.addEventListener("click", turn);
  picture.addEventListener("keydown", (event) => {
    if (event.key === "Enter") turn();
  });
  const file = document.querySelectorAll(`[data-file="${picture.id.replace("picture", "")}"]`);
  picture.showBytes(() => bytes(Array.from(file, ({ text }) => text)));
}
