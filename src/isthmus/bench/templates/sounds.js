"use strict";
/* Players of one sound as several codecs give it back: one at a time, and each goes on where the last one was. */
let current = null;

for (const section of document.querySelectorAll(".sound")) {
  const figures = [...section.querySelectorAll(".player")], all = [...section.querySelectorAll("audio")];
  const seconds = +section.dataset.seconds;
  let place = 0;
  section.switchTo = index => { if (figures[index]) figures[index].querySelector("audio").play(); };
  for (const audio of all) {
    const figure = audio.closest(".player");
    audio.addEventListener("play", () => {
      const others = [...document.querySelectorAll("audio")].filter(other => other !== audio && !other.paused);
      for (const other of others) { if (all.includes(other)) place = other.currentTime; other.pause(); }
      if (Math.abs(audio.currentTime - place) > 0.05 && place < seconds) audio.currentTime = place;
      current = { section, audio };
      for (const one of document.querySelectorAll(".player")) one.classList.toggle("playing", one === figure);
    });
    audio.addEventListener("seeked", () => { if (current?.audio === audio || !current) move(audio.currentTime); });
    audio.addEventListener("ended", () => { place = 0; move(0); });
    audio.addEventListener("pause", () => { if (!audio.ended) place = audio.currentTime; });
  }
  function move(to) {
    place = to;
    for (const line of section.querySelectorAll(".view i")) line.style.left = `${100 * to / seconds}%`;
  }
  for (const view of section.querySelectorAll(".view")) view.onclick = event => {
    const box = view.getBoundingClientRect(), to = seconds * (event.clientX - box.left) / box.width;
    move(to);
    if (current?.section === section) current.audio.currentTime = to;
  };
  (function follow() {
    if (current?.section === section && !current.audio.paused) move(current.audio.currentTime);
    requestAnimationFrame(follow);
  })();
}

document.onkeydown = event => {
  if (event.ctrlKey || event.metaKey || event.altKey || /INPUT|BUTTON|AUDIO/.test(event.target.tagName)) return;
  const section = current?.section ?? document.querySelector(".sound");
  if (event.key >= "1" && event.key <= "9") section.switchTo(+event.key - 1);
  else if (event.key === " ") { const audio = current?.audio ?? section.querySelector("audio"); audio.paused ? audio.play() : audio.pause(); event.preventDefault(); }
};
