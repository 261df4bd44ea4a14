// Gives the decoder, which the page has already run, the weights and pictures that the page carries.
// The browser itself decodes megabytes without keeping the page waiting.
const bytes = async (base64) => {
  const answer = await fetch(`data:application/octet-stream;base64,${base64}`);
  return new Uint8Array(await answer.arrayBuffer());
};
const given = {};
for (const [id, base64] of Object.entries(globalThis.isthmusWeights ?? {})) given[id] = await bytes(base64);
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
  const file = document.getElementById(picture.id.replace("picture", "file"));
  picture.showBytes(() => bytes(file.textContent));
}
