// Makes an <attention-view> explorable: what llmbook.showing.viewer wrote is there without this script.
(() => {
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const THICKEST = 12, NAMED = 3;

class AttentionView extends HTMLElement {
  // Put into a page that stands, in a notebook say; while a page loads, the script after the view starts it.
  connectedCallback() { if (document.readyState !== "loading") this.start(); }

  start() {
    if (this.weights) return;
    [this.layers, this.heads, this.queries, this.keys] = this.dataset.shape.split(",").map(Number);
    this.scale = 10 ** this.dataset.digits;
    this.weights = decode(this.dataset.weights, this.keys);
    this.form = this.querySelector("form");
    this.stage = this.querySelector(".stage");
    this.labels = {};
    for (const side of ["query", "key"]) this.labels[side] = this.all(`[name=${side}]`).map(input => input.parentNode);
    this.tokens = side => this.labels[side].map(label => label.querySelector("span").textContent);
    this.form.addEventListener("change", event => this.change(event.target));
    for (const [coming, going] of [["pointerover", "pointerleave"], ["focusin", "focusout"]]) {
      this.stage.addEventListener(coming, event => event.pointerType !== "touch" && this.look(event.target));
      this.stage.addEventListener(going, () => this.show(...this.picked));
    }
    this.stage.tabIndex = -1;
    this.choose();
    this.change(this.stage.querySelector(":checked"));
    const row = this.labels.query[this.picked[1]], below = row.offsetTop + row.offsetHeight - this.stage.offsetTop;
    if (below > this.stage.clientHeight) this.stage.scrollTop = below - this.stage.clientHeight / 2;
  }

  all(selector) { return [...this.querySelectorAll(selector)]; }

  // A token looked at in passing, by pointer or by focus.
  look(target) {
    const input = target.closest("label")?.querySelector("input");
    if (input) this.show(input.name, +input.value);
  }

  change({name, value}) {
    if (!this.labels[name]) return this.choose();
    for (const input of this.all(`[name=${other(name)}]`)) input.checked = false;
    this.picked = [name, +value];
    this.show(...this.picked);
  }

  choose() {
    this.layer = +(this.querySelector("select")?.value ?? 0);
    this.head = +(this.querySelector("[name=head]:checked")?.value ?? 0);
    const name = this.querySelector("[name=head]:checked ~ span")?.textContent;
    const place = [this.layers > 1 && `layer ${this.layer}`, name].filter(Boolean).join(", ");
    this.place = place && `${place[0].toUpperCase()}${place.slice(1)}: `;
    this.all("canvas").forEach((canvas, head) => this.draw(canvas, head));
    this.tabulate();
    if (this.picked) this.show(...this.picked);
  }

  // The weight of a head, in units of the last digit shown.
  weight(query, key, head = this.head) {
    return this.weights[((this.layer * this.heads + head) * this.queries + query) * this.keys + key];
  }

  row(query) { return range(this.keys).map(key => this.weight(query, key)); }

  written(weight) { return (weight / this.scale).toFixed(this.dataset.digits).replace(/^0/, ""); }

  draw(canvas, head) {
    const pixels = new ImageData(this.keys, this.queries);
    const shown = range(this.queries * this.keys).map(i => this.weight(Math.floor(i / this.keys), i % this.keys, head));
    const largest = shown.reduce((a, b) => Math.max(a, b), 1);
    shown.forEach((weight, i) => pixels.data.set([49, 130, 189, 255 * weight / largest], 4 * i));
    canvas.getContext("2d").putImageData(pixels, 0, 0);
  }

  tabulate() {
    const rows = range(this.queries).map(query => this.row(query));
    const largest = rows.flat().reduce((a, b) => Math.max(a, b), 1);
    this.all("tbody tr").forEach((row, q) => [...row.cells].slice(1).forEach((cell, k) => {
      cell.style.setProperty("--w", Math.round(100 * rows[q][k] / largest));
      cell.textContent = this.written(rows[q][k]);
    }));
    this.querySelector("caption").textContent = `${this.place}a row looks, a column is looked at; darkest: ${this.written(largest)}`;
  }

  // Join a token to what it looks at, or a key to what looks at it; shade and number that side; say so.
  show(side, index) {
    const far = other(side), weights = side === "query" ? this.row(index) : range(this.queries).map(q => this.weight(q, index));
    this.stage.className = `stage ${side}`;
    for (const name of [side, far]) this.labels[name].forEach((label, i) => {
      label.style.setProperty("--w", name === far ? 100 * weights[i] / this.scale : 0);
      label.querySelector("small").textContent = name === far && weights[i] ? this.written(weights[i]) : "";
    });
    this.querySelector("svg").innerHTML = this.lines(side, index, weights);
    const tokens = this.tokens(far), found = weights.map((w, i) => [w, i]).filter(([w]) => w).sort(([a], [b]) => b - a);
    const named = found.slice(0, NAMED).map(([w, i]) => `${tokens[i]} (${i + 1}) ${this.written(w)}`), rest = found.length - NAMED;
    if (rest > 0) named.push(`and ${rest} ${rest > 1 ? "others" : "other"}`);
    const said = `${this.place}${this.tokens(side)[index]} (${side} ${index + 1}) ${side === "query" ? "looks at" : "is looked at by"} ${named.join(", ") || "nothing"}.`;
    const output = this.querySelector("output");
    if (output.textContent !== said) output.textContent = said;
  }

  lines(side, index, weights) {
    const quiet = range(this.queries).map(query => {
      const row = this.row(query), most = row.reduce((a, b) => Math.max(a, b)), key = row.indexOf(most);
      return most && index !== (side === "query" ? query : key) ? this.line(query, key, most) : "";
    });
    const loud = weights.map((w, i) => w ? this.line(...(side === "query" ? [index, i] : [i, index]), w, " class=on") : "");
    return [...quiet, ...loud].join("");
  }

  line(query, key, weight, kind = "") {
    const width = Math.max(THICKEST * weight / this.scale, 0.5).toFixed(1);
    return `<path${kind} d="M0 ${query}.5L1 ${key}.5" stroke-width="${width}"/>`;
  }
}

function range(length) { return Array.from({length}, (_, i) => i); }

function other(side) { return side === "query" ? "key" : "query"; }

// The reverse of llmbook.showing.viewer.encode.
function decode(text, columns) {
  const digits = [...text].map(letter => LETTERS.indexOf(letter)), values = [];
  for (let i = 0; i < digits.length; i++) {
    if (digits[i] < 47) values.push(digits[i]);
    else if (digits[i] < 62) values.push(47 + 64 * (digits[i] - 47) + digits[++i]);
    else if (digits[i] === 62) do values.push(0); while (values.length % columns);
    else values.push(...Array(digits[++i] + 1).fill(0));
  }
  return values;
}

if (!customElements.get("attention-view")) customElements.define("attention-view", AttentionView);
document.querySelectorAll("attention-view").forEach(view => view.start());
})();
