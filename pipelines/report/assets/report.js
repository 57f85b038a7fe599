// Reads figures aloud: under the pointer, and for the arrow keys. Everything it shows was written by the page already.
"use strict";
document.documentElement.classList.add("has-script");

const spoken = document.getElementById("spoken");
const tip = Object.assign(document.createElement("div"), { className: "tip", hidden: true });
tip.setAttribute("aria-hidden", "true");

function show(figure, text, x, y) {
  figure.append(tip);
  tip.textContent = text;
  tip.hidden = false;
  const left = Math.min(Math.max(x - tip.offsetWidth / 2, 0), figure.clientWidth - tip.offsetWidth);
  const above = y - tip.offsetHeight - 12;
  tip.style.left = `${left}px`;
  tip.style.top = `${above < -tip.offsetHeight ? y + 18 : above}px`;
}

function hide(figure) {
  tip.hidden = true;
  figure.querySelectorAll(".here").forEach((mark) => mark.classList.remove("here"));
  figure.querySelectorAll(".reading-line").forEach((line) => { line.style.display = "none"; });
}

// A figure of cells: rows are [data-row] elements, columns are equal shares of the drawing.
function readCells(figure, tips) {
  const rows = [...figure.querySelectorAll("[data-row]")];
  const at = { row: 0, column: -1 };

  function read(row, column, speak) {
    Object.assign(at, { row, column });
    hide(figure);
    const box = (rows[row].querySelector("svg")).getBoundingClientRect();
    const frame = figure.getBoundingClientRect();
    const x = box.left - frame.left + ((column + 0.5) / tips[row].length) * box.width;
    const line = rows[row].querySelector(".reading-line");
    if (line) Object.assign(line.style, { display: "block", left: `${x}px` });
    else rows[row].classList.add("here");
    show(figure, tips[row][column], x, box.top - frame.top);
    if (speak) spoken.textContent = tips[row][column];
  }

  figure.addEventListener("pointermove", (event) => {
    const row = rows.findIndex((candidate) => candidate.contains(event.target));
    if (row < 0) return hide(figure);
    const box = rows[row].querySelector("svg").getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * tips[row].length);
    if (column >= 0 && column < tips[row].length) read(row, column, false);
  });
  figure.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && at.column >= 0 && event.target === figure) return follow(rows[at.row], at.column);
    const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (event.key === "Escape") hide(figure);
    if (!move || event.target !== figure) return;
    event.preventDefault();
    const row = Math.min(Math.max(at.row + move[0], 0), rows.length - 1);
    const column = Math.min(Math.max(at.column + move[1], 0), tips[row].length - 1);
    read(row, column, true);
  });
  figure.addEventListener("click", (event) => {
    const row = rows.find((candidate) => candidate.contains(event.target));
    if (row && at.column >= 0 && !event.target.closest("a")) follow(row, at.column);
  });
}

// The trace of a cell, else the traces of its row.
function follow(row, column) {
  const own = row.querySelector(`a[data-column="${column}"]`);
  if (own || row.dataset.to) location.hash = own ? own.hash : row.dataset.to;
}

// A link to what is folded opens it and reads on from there.
function reveal() {
  const place = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = place && place.closest("details");
  if (!folded) return;
  folded.open = true;
  place.scrollIntoView();
  place.focus({ preventScroll: true });
}
addEventListener("hashchange", reveal);
reveal();

// A figure of marks: each [data-tip] element speaks for itself.
function readMarks(figure) {
  const marks = [...figure.querySelectorAll("[data-tip]")];
  let at = -1;

  function read(mark, x, y, speak) {
    hide(figure);
    mark.classList.add("here");
    show(figure, mark.dataset.tip, x, y);
    if (speak) spoken.textContent = mark.dataset.tip;
  }

  figure.addEventListener("pointermove", (event) => {
    const mark = event.target.closest("[data-tip]");
    if (!mark) return hide(figure);
    const frame = figure.getBoundingClientRect();
    read(mark, event.clientX - frame.left, event.clientY - frame.top, false);
  });
  figure.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (event.key === "Escape") hide(figure);
    if (!move || !marks.length || event.target !== figure) return;
    event.preventDefault();
    at = Math.min(Math.max(at + move, 0), marks.length - 1);
    const box = marks[at].getBoundingClientRect();
    const frame = figure.getBoundingClientRect();
    read(marks[at], box.left - frame.left + box.width / 2, box.top - frame.top + box.height / 2, true);
  });
}

for (const figure of document.querySelectorAll(".readable")) {
  const tips = JSON.parse(figure.querySelector(".tips").textContent);
  if (tips.length) readCells(figure, tips);
  else readMarks(figure);
  figure.addEventListener("pointerleave", () => hide(figure));
  figure.addEventListener("blur", () => hide(figure));
}

// One of several figures, chosen by a list.
for (const list of document.querySelectorAll("select[data-chooses]")) {
  const choices = [...document.getElementById(list.dataset.chooses).children];
  list.addEventListener("change", () => choices.forEach((figure, number) => { figure.hidden = number !== list.selectedIndex; }));
}

// Light, dark, or what the system says.
const root = document.documentElement;
document.querySelector(".theme").addEventListener("click", () => {
  const isDark = root.style.colorScheme ? root.style.colorScheme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.style.colorScheme = isDark ? "light" : "dark";
});

// The section being read, marked in the top bar.
const links = new Map([...document.querySelectorAll(".bar li a")].map((link) => [link.hash.slice(1), link]));
const reading = new IntersectionObserver((entries) => {
  const current = entries.find((entry) => entry.isIntersecting);
  if (!current) return;
  links.forEach((link) => link.removeAttribute("aria-current"));
  const link = links.get(current.target.id);
  link.setAttribute("aria-current", "true");
  const list = link.closest("ul");
  list.scrollLeft += link.getBoundingClientRect().left - list.getBoundingClientRect().left - list.clientWidth / 2;
}, { rootMargin: "-30% 0px -65% 0px" });
links.forEach((_, id) => reading.observe(document.getElementById(id)));
