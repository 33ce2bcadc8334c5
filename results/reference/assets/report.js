// Sorting, filtering and the calculator. The pages say everything without it.
"use strict";

const DAY_SECONDS = 86400;
const MIB = 1048576;

function digits(value) {
  return value >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
}

function span(seconds) {
  if (!Number.isFinite(seconds)) return "never";
  if (seconds < 60) return `${digits(seconds)} s`;
  if (seconds < 3600) return `${digits(seconds / 60)} min`;
  if (seconds < DAY_SECONDS) return `${digits(seconds / 3600)} h`;
  if (seconds < 3650 * DAY_SECONDS) return `${digits(seconds / DAY_SECONDS)} days`;
  return `${digits(seconds / DAY_SECONDS / 365.25)} years`;
}

function calculate(form) {
  const rate = Number(form.elements.rate.value);
  const limit = Number(form.elements.limit.value) * MIB;
  for (const row of document.querySelectorAll(".v-leak[data-rate]")) {
    const bytes = Number(row.dataset.rate);
    if (bytes > 0) row.querySelector(".full").textContent = `full in ${span(limit / (bytes * rate))}`;
  }
}

for (const form of document.querySelectorAll("form.calculator")) {
  form.addEventListener("input", () => calculate(form));
  form.addEventListener("submit", (event) => event.preventDefault());
  calculate(form);
}

const SORTED_BY = {
  rate: (tile) => -Number(tile.dataset.rate ?? 0),
  speed: (tile) => -(tile.querySelector("[data-name=speed_ratio]")?.value ?? 0),
  memory: (tile) => Number(tile.dataset.memory),
};

const nameOf = (tile) => tile.querySelector("b").textContent;

function sift(tools) {
  const wanted = tools.elements.find.value.trim().toLowerCase();
  const verdicts = new Set(
    [...tools.querySelectorAll("input[name=verdict]:checked")].map((box) => box.value),
  );
  let found = 0;
  for (const scenario of document.querySelectorAll(".scenario")) {
    let here = 0;
    for (const tile of scenario.querySelectorAll(".tile")) {
      const name = `${scenario.dataset.scenario}:${nameOf(tile)}`.toLowerCase();
      const verdict = tile.className.split(" v-")[1];
      tile.hidden = !(name.includes(wanted) && verdicts.has(verdict));
      here += !tile.hidden;
    }
    scenario.hidden = here === 0;
    found += here;
  }
  document.getElementById("nothing").hidden = found > 0;
}

function arrange(by) {
  for (const list of document.querySelectorAll(".tiles")) {
    const tiles = [...list.children];
    tiles.forEach((tile, n) => (tile.dataset.place ??= n));
    const key = SORTED_BY[by];
    tiles.sort((a, b) =>
      by === "name"
        ? nameOf(a).localeCompare(nameOf(b))
        : (key ? key(a) - key(b) : 0) || a.dataset.place - b.dataset.place,
    );
    list.append(...tiles);
  }
}

const tools = document.getElementById("tools");
if (tools) {
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.addEventListener("input", () => sift(tools));
  tools.elements.sort.addEventListener("change", () => arrange(tools.elements.sort.value));
}

function keyOf(row, column) {
  const cell = row.children[column];
  const figure = cell.querySelector("data");
  return figure ? figure.value : cell.textContent.trim();
}

function sortTable(button) {
  const heading = button.closest("th");
  const body = heading.closest("table").tBodies[0];
  const column = [...heading.parentNode.children].indexOf(heading);
  const up = heading.getAttribute("aria-sort") !== "ascending";
  for (const other of heading.parentNode.children) {
    if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
  }
  heading.setAttribute("aria-sort", up ? "ascending" : "descending");
  const numeric = heading.classList.contains("number");
  const rows = [...body.rows];
  rows.sort((a, b) => {
    const [left, right] = [keyOf(a, column), keyOf(b, column)];
    if (left === "–" || right === "–") return (left === "–") - (right === "–"); // not measured: always last
    const order = numeric ? Number(left) - Number(right) : left.localeCompare(right);
    return up ? order : -order;
  });
  body.append(...rows);
}

// Without this script a heading sorts nothing, and is no button.
for (const heading of document.querySelectorAll("table.sortable th[scope=col]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...heading.childNodes);
  heading.append(button);
  heading.setAttribute("aria-sort", "none");
  button.addEventListener("click", () => sortTable(button));
}

// A chart's file carries its colours in itself, so that it looks the same alone.
function save(figure) {
  const chart = [...figure.querySelectorAll("svg.chart")].find((svg) => svg.checkVisibility());
  const copy = chart.cloneNode(true);
  inline(chart, copy);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" }));
  const page = location.pathname.split("/").pop().replace(/\.html$/, "");
  const name = `${page} ${chart.querySelector("title").textContent}`.toLowerCase();
  link.download = `${name.match(/[a-z0-9]+/g).join("-")}.svg`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href)); // after the click has been served
}

const PAINTED = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font", "paint-order"];
function inline(chart, copy) {
  const [from, to] = [chart, copy].map((svg) => [svg, ...svg.querySelectorAll("*")]);
  from.forEach((element, n) => {
    const computed = getComputedStyle(element);
    for (const name of PAINTED) to[n].style.setProperty(name, computed.getPropertyValue(name));
  });
}

for (const button of document.querySelectorAll("button.save")) {
  button.addEventListener("click", () => save(button.closest("figure")));
}
