// Draws the difference of two captures. A node is [name, bytes in a, bytes in b, width, children].
"use strict";

const { names, tree } = JSON.parse(document.getElementById("data").textContent);
const flames = document.getElementById("flames");
const detail = document.getElementById("detail");
const ROW_PIXELS = 24;
const path = [tree]; // from the root to the node that fills the width
let wanted = "";

const PREFIXES = ["B", "KiB", "MiB", "GiB", "TiB"];
function bytes(count) {
  let size = Math.abs(count);
  let prefix = 0;
  while (size >= 1024 && prefix < PREFIXES.length - 1) {
    size /= 1024;
    prefix += 1;
  }
  const digits = prefix === 0 ? String(size) : size.toPrecision(size >= 1000 ? 4 : 3);
  return `${count < 0 ? "−" : ""}${digits} ${PREFIXES[prefix]}`;
}

const change = ([, a, b]) => `${b > a ? "+" : ""}${bytes(b - a)}`;
const functionOf = (node) => names[node[0]].split("\n")[0];
const fileOf = (node) => names[node[0]].split("\n")[1];
const said = (node) =>
  `${functionOf(node)} ${change(node)}, ${bytes(node[1])} before, ${bytes(node[2])} after. ${fileOf(node)}`;

// Strength is the share of the frame's own width that changed; below 2 % it is alike.
function paint(frame, node) {
  const share = (node[2] - node[1]) / Math.max(node[3], 1);
  const strength = Math.min(1, 0.25 + 0.75 * Math.abs(share));
  const hue = share > 0 ? "--grown" : "--shrunk";
  const alike = Math.abs(share) < 0.02;
  frame.style.setProperty("--tone", alike ? "var(--same)" : `color-mix(in srgb, hsl(var(${hue})) ${strength * 100}%, var(--paper))`);
  frame.style.setProperty("--label", !alike && strength > 0.6 ? "#fff" : "var(--ink)");
}

function place(node, left, width, depth, level) {
  const frame = document.createElement("li");
  frame.className = "frame";
  frame.role = "treeitem";
  frame.tabIndex = level === 1 ? 0 : -1;
  frame.ariaLevel = level;
  frame.ariaLabel = said(node);
  if (node[4].length) frame.ariaExpanded = "true";
  frame.style.left = `${left * 100}%`;
  frame.style.width = `${width * 100}%`;
  frame.style.top = `${depth * ROW_PIXELS}px`;
  frame.textContent = `${functionOf(node)} ${change(node)}`;
  frame.classList.toggle("match", wanted !== "" && names[node[0]].toLowerCase().includes(wanted));
  frame.node = node;
  paint(frame, node);
  flames.append(frame);
  return frame;
}

function lay(node, left, width, depth) {
  place(node, left, width, depth, depth + 1);
  let deepest = depth;
  let at = left;
  for (const child of node[4]) {
    const share = (width * child[3]) / node[3];
    deepest = Math.max(deepest, lay(child, at, share, depth + 1));
    at += share;
  }
  return deepest;
}

function draw() {
  flames.replaceChildren();
  path.slice(0, -1).forEach((node, depth) => place(node, 0, 1, depth, depth + 1));
  const deepest = lay(path.at(-1), 0, 1, path.length - 1);
  flames.style.height = `${(deepest + 1) * ROW_PIXELS}px`;
  document.getElementById("up").disabled = document.getElementById("all").disabled = path.length === 1;
  const matches = flames.querySelectorAll(".match");
  let total = 0;
  for (const frame of matches) total += frame.node[2] - frame.node[1];
  document.getElementById("found").textContent = wanted ? `${matches.length} frames, ${bytes(total)} in all, callees counted again` : "";
}

function pathTo(target, node, trail) {
  const here = [...trail, node];
  if (node === target) return here;
  for (const child of node[4]) {
    const found = pathTo(target, child, here);
    if (found) return found;
  }
  return null;
}

function show(node) {
  path.splice(0, path.length, ...pathTo(node, tree, []));
  draw();
  focusOn([...flames.children].find((frame) => frame.node === node));
}

function focusOn(frame) {
  if (!frame) return;
  for (const other of flames.querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
  frame.tabIndex = 0;
  frame.focus();
}

const tell = (frame) => (detail.textContent = said(frame.node));
const near = (frame, step) => {
  const level = [...flames.children].filter((other) => other.ariaLevel === frame.ariaLevel);
  return level[level.indexOf(frame) + step];
};
const KEYS = {
  ArrowRight: (frame) => near(frame, 1),
  ArrowLeft: (frame) => near(frame, -1),
  ArrowDown: (frame) => [...flames.children].find((other) => other.node === frame.node[4][0]),
  ArrowUp: (frame) => [...flames.children].find((other) => other.node[4].includes(frame.node)),
  Home: () => flames.firstElementChild,
};

flames.addEventListener("pointerover", (event) => event.target.node && tell(event.target));
flames.addEventListener("focusin", (event) => event.target.node && tell(event.target));
flames.addEventListener("click", (event) => event.target.node && show(event.target.node));
flames.addEventListener("keydown", (event) => {
  const frame = event.target;
  if (!frame.node) return;
  if (event.key === "Enter" || event.key === " ") show(frame.node);
  else if (event.key === "Escape") up();
  else if (KEYS[event.key]) focusOn(KEYS[event.key](frame));
  else return;
  event.preventDefault();
});

function up() {
  if (path.length > 1) show(path.at(-2));
}

document.getElementById("up").addEventListener("click", up);
document.getElementById("all").addEventListener("click", () => show(tree));
document.getElementById("tools").addEventListener("submit", (event) => event.preventDefault());
document.getElementById("tools").addEventListener("input", (event) => {
  wanted = event.target.value.trim().toLowerCase();
  draw();
});
document.getElementById("sum").textContent = `${change(tree)}: ${bytes(tree[1])} before, ${bytes(tree[2])} after`;
draw();
