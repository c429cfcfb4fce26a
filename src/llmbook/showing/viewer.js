// Makes an <attention-view> explorable: its table, written by llmbook.viewer, is there without this script.
(() => {
if (customElements.get("attention-view")) return;  // another view of the page brought it

class AttentionView extends HTMLElement {
  connectedCallback() {
    if (document.readyState !== "loading") this.start();
    else document.addEventListener("DOMContentLoaded", () => this.start());  // until then the table may be half read
  }

  start() {
    if (this.heads) return;
    const [layers, heads, queries, keys] = this.dataset.shape.split(",").map(Number);
    Object.assign(this, {layers, heads, queries, keys, layer: +this.dataset.layer, head: +this.dataset.head});
    this.digits = +this.dataset.digits;
    this.weights = decode(this.dataset.weights, keys);
    this.table = this.querySelector("table");
    this.rows = [...this.table.tBodies[0].rows];
    this.tokens = {
      query: this.rows.map(row => row.cells[0].textContent),
      key: [...this.table.tHead.rows[0].cells].slice(1).map(cell => cell.textContent),
    };
    this.crossing = "cross" in this.dataset;
    this.build();
    this.choose(this.layer, this.head);
    this.pick("query", +this.dataset.token);
  }

  // The weight of the chosen head, in units of the last digit shown.
  weight(query, key, head = this.head) {
    return this.weights[((this.layer * this.heads + head) * this.queries + query) * this.keys + key];
  }

  written(weight) {
    return (weight / 10 ** this.digits).toFixed(this.digits).replace(/^0/, "");
  }

  build() {
    const box = make("div");
    if (this.layers > 1) {
      const select = make("select", {}, ...Array.from({length: this.layers}, (_, i) => make("option", {value: i}, `${i}`)));
      select.value = this.layer;
      select.addEventListener("change", () => this.choose(+select.value, this.head));
      box.append(make("label", {}, "Layer ", select));
    }
    this.thumbnails = Array.from({length: this.heads}, (_, head) => {
      const canvas = make("canvas", {width: this.keys, height: this.queries, "aria-hidden": true});
      return make("button", {type: "button"}, canvas, `head ${head}`);
    });
    const bar = group("Heads", this.thumbnails, head => this.choose(this.layer, head));
    if (this.heads > 1) box.append(bar);
    this.strips = {};
    for (const [side, title] of [["query", "attends (query)"], ["key", "attended to (key)"]]) {
      const buttons = this.tokens[side].map(token => make("button", {type: "button"}, token, make("small")));
      const strip = group(title, buttons, index => this.pick(side, index));
      strip.addEventListener("pointerover", event => event.pointerType === "mouse" && this.hover(side, buttons.indexOf(event.target.closest("button"))));
      strip.addEventListener("pointerleave", () => this.show(...this.picked));
      this.strips[side] = buttons;
      box.append(title, strip);
    }
    this.output = make("output", {"aria-live": "polite"});
    box.append(this.output);
    this.prepend(box);
    this.table.addEventListener("pointerover", event => event.pointerType === "mouse" && this.hover(...this.at(event.target)));
    this.table.addEventListener("pointerleave", () => this.show(...this.picked));
    this.table.addEventListener("click", event => this.pick(...this.at(event.target)));
  }

  // The token that a cell of the table stands for: its column's in the head, its row's elsewhere.
  at(target) {
    const cell = target.closest("th, td"), index = cell ? this.rows.indexOf(cell.parentNode) : -1;
    return cell && index < 0 ? ["key", cell.cellIndex - 1] : ["query", index];
  }

  choose(layer, head) {
    Object.assign(this, {layer, head});
    const all = this.rows.flatMap((row, q) => [...row.cells].slice(1).map((cell, k) => [cell, this.weight(q, k)]));
    this.largest = all.reduce((largest, [, weight]) => Math.max(largest, weight), 1);
    for (const [cell, weight] of all) {
      cell.style.setProperty("--w", Math.round(100 * weight / this.largest));
      cell.textContent = this.written(weight);
    }
    this.table.caption.textContent = `Layer ${layer}, head ${head}: a row attends, a column is attended to; darkest: ${this.written(this.largest)}`;
    this.thumbnails.forEach((button, index) => {
      this.draw(button.firstChild, index);
      press(button, index === head);
    });
    if (this.picked) this.show(...this.picked, true);
  }

  draw(canvas, head) {
    const pixels = new ImageData(this.keys, this.queries);
    const shown = Array.from({length: this.queries * this.keys}, (_, i) => this.weight(Math.floor(i / this.keys), i % this.keys, head));
    const largest = Math.max(1, ...shown);
    shown.forEach((weight, i) => pixels.data.set([49, 130, 189, 255 * weight / largest], 4 * i));
    canvas.getContext("2d").putImageData(pixels, 0, 0);
  }

  hover(side, index) { if (index >= 0) this.show(side, index); }

  pick(side, index) {
    if (index < 0) return;
    this.picked = [side, index];
    for (const name of ["query", "key"]) {
      this.strips[name].forEach((button, i) => press(button, i === index && (name === side || !this.crossing)));
      if (!this.strips[name].some(button => button.tabIndex === 0)) this.strips[name][0].tabIndex = 0;
    }
    this.show(side, index, true);
  }

  // Shade and number the strips by what the token sees and by what sees it; say so if it was picked.
  show(side, index, aloud = false) {
    const sees = !this.crossing || side === "query", isSeen = !this.crossing || side === "key";
    this.shade("key", this.tokens.key.map((_, k) => sees ? this.weight(index, k) : null));
    this.shade("query", this.tokens.query.map((_, q) => isSeen ? this.weight(q, index) : null));
    this.rows.forEach((row, q) => [...row.cells].forEach((cell, k) => {
      cell.classList.toggle("seen", sees && q === index);
      cell.classList.toggle("seer", isSeen && k === index + 1);
    }));
    if (!aloud) return;
    const parts = [];
    if (sees) parts.push(`looks at ${this.list("key", k => this.weight(index, k))}`);
    if (isSeen) parts.push(`is looked at by ${this.list("query", q => this.weight(q, index))}`);
    this.output.textContent = `${this.tokens[side][index]} (${side} ${index + 1}): ${parts.join("; ")}.`;
  }

  shade(side, weights) {
    this.strips[side].forEach((button, i) => {
      button.style.setProperty("--w", Math.round(100 * (weights[i] ?? 0) / this.largest));
      button.lastChild.textContent = weights[i] === null ? "" : this.written(weights[i]);
    });
  }

  list(side, weight) {
    const found = this.tokens[side].map((token, i) => [weight(i), token]).filter(([w]) => w > 0);
    found.sort((a, b) => b[0] - a[0]);
    return found.slice(0, 5).map(([w, token]) => `${token} ${this.written(w)}`).join(", ") || "none";
  }
}

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// A row of buttons that is one stop of the Tab key; arrows walk along it, and pick.
function group(label, buttons, pick) {
  const row = make("div", {role: "group", "aria-label": label}, ...buttons);
  row.addEventListener("click", event => {
    const index = buttons.indexOf(event.target.closest("button"));
    if (index >= 0) pick(index);
  });
  row.addEventListener("keydown", event => {
    const index = buttons.indexOf(document.activeElement), last = buttons.length - 1;
    const next = {ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: last}[event.key];
    if (next === undefined) return;
    event.preventDefault();
    buttons[Math.min(Math.max(next, 0), last)].focus();
    pick(buttons.indexOf(document.activeElement));
  });
  return row;
}

function press(button, pressed) {
  button.setAttribute("aria-pressed", pressed);
  button.tabIndex = pressed ? 0 : -1;
}

// The reverse of llmbook.viewer.encode.
function decode(text, columns) {
  const digits = [...text].map(c => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".indexOf(c));
  const values = [];
  for (let i = 0; i < digits.length; i++) {
    if (digits[i] < 47) values.push(digits[i]);
    else if (digits[i] < 62) values.push(47 + 64 * (digits[i] - 47) + digits[++i]);
    else if (digits[i] === 62) do values.push(0); while (values.length % columns);
    else values.push(...Array(digits[++i] + 1).fill(0));
  }
  return values;
}

customElements.define("attention-view", AttentionView);
})();
