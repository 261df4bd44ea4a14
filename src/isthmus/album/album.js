// Gives the decoder, which the page has already run, the weights and pictures that the page carries.
const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
const weights = Object.entries(globalThis.isthmusWeights ?? {}).map(([id, base64]) => [id, bytes(base64)]);
const IsthImg = customElements.get("isth-img");
IsthImg.configure({ given: Object.fromEntries(weights) });
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
  picture.showBytes(bytes(file.textContent));
}
