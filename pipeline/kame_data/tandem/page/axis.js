// The conversation in time: seconds, the user's sound and words, oracles, the assistant's sound and words.

function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") made.textContent = value;
    else if (name.startsWith("--")) made.style.setProperty(name, value);
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const PER_SECOND = RATE / FRAME;
// Older words and oracles leave the axis of a long conversation; the log keeps them.
const MOST_SHOWN = 600;

class Levels {
  // A side's loudness by frame, drawn for the seconds that are in sight.
  constructor(side) {
    this.side = side;
    this.values = [];
    this.canvas = make("canvas", { "aria-hidden": "true" });
  }

  set(frame, level) {
    this.values[frame] = Math.max(this.values[frame] ?? 0, level);
  }

  draw(from, width, scale) {
    const dense = window.devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * dense)) {
      this.canvas.width = Math.round(width * dense);
      this.canvas.height = 52 * dense;
      this.canvas.style.width = `${width}px`;
    }
    const pen = this.canvas.getContext("2d");
    pen.setTransform(dense, 0, 0, dense, 0, 0);
    pen.clearRect(0, 0, width, 52);
    pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(`--${this.side}`);
    const first = Math.max(0, Math.floor((from / scale) * PER_SECOND));
    const last = Math.min(this.values.length - 1, Math.ceil(((from + width) / scale) * PER_SECOND));
    for (let n = first; n <= last; n++) {
      const height = Math.max(1, 46 * Math.min(1, Math.sqrt((this.values[n] ?? 0) * 3)));
      pen.fillRect((n / PER_SECOND) * scale - from, 27 - height / 2, Math.max(1, scale / PER_SECOND - 1), height);
    }
  }
}

class Axis {
  constructor(place) {
    this.place = place;
    this.scale = 110;
    this.length = 0;
    this.following = true;
    this.seconds = make("div", { class: "lane seconds", "aria-hidden": "true" });
    this.levels = { user: new Levels("user"), assistant: new Levels("assistant") };
    this.lanes = Object.fromEntries(["user", "assistant"].map((side) => [side, make("div", { class: `lane voice ${side}` }, make("b", { text: side === "user" ? "you" : "assistant" }), this.levels[side].canvas)]));
    this.oracles = make("div", { class: "lane oracles", role: "group", "aria-label": "Oracles, by the moment they came" }, make("b", { text: "oracles" }));
    this.marker = make("div", { class: "marker", hidden: "", "aria-hidden": "true" });
    this.track = make("div", { class: "track" }, this.seconds, this.lanes.user, this.oracles, this.lanes.assistant, this.marker);
    place.replaceChildren(this.track);
    this.empty();
    place.addEventListener("scroll", () => this.draw());
    addEventListener("resize", () => this.draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  // A new conversation.
  empty() {
    for (const node of this.shown ?? []) node.remove();
    this.seconds.replaceChildren();
    for (const levels of Object.values(this.levels)) levels.values = [];
    this.bars = new Map();
    this.ends = [];
    this.shown = [];
    this.length = 0;
    this.grow(0);
    this.draw();
  }

  grow(time) {
    for (let second = Math.ceil(this.length); second <= time; second++) this.seconds.append(make("span", { class: "at", "--s": second, text: `${second}` }));
    if (time > this.length || !this.length) this.length = Math.max(time, 0.001);
    this.track.style.setProperty("--length", this.length);
  }

  // Words stand in two rows by turns, so that a short one does not lie under the next.
  word(side, time, text) {
    this.odd = !this.odd;
    this.add(this.lanes[side], make("span", { class: this.odd ? "at" : "at low", dir: "auto", "--s": time, text }));
  }

  heard(start, end, text) {
    this.add(this.lanes.user, make("span", { class: "at heard", dir: "auto", "--s": start, "--d": Math.max(end - start, 1), text, title: text }));
  }

  add(lane, node) {
    lane.append(node);
    this.shown.push(node);
    if (this.shown.length > MOST_SHOWN) this.shown.shift().remove();
  }

  asked(id, time) {
    let row = this.ends.findIndex((end) => end <= time);
    if (row < 0) row = this.ends.length;
    this.ends[row] = Infinity;
    const line = make("div", { class: "ask", "--s": time, "--d": 0, "--row": row, "aria-hidden": "true" });
    this.bars.set(id, { line, asked: time, row, text: "", open: true });
    this.oracles.style.setProperty("--rows", this.ends.length);
    this.add(this.oracles, line);
  }

  came(id, time) {
    const bar = this.bars.get(id);
    if (!bar || bar.button) return;
    // What came before is the current one no more.
    for (const [other, one] of this.bars) if (other !== id && one.came !== undefined && one.until === undefined) this.until(one, time);
    bar.came = time;
    bar.line.style.setProperty("--d", time - bar.asked);
    bar.words = make("span", { dir: "auto" });
    bar.reading = make("i", { "aria-hidden": "true", "--read": 0 });
    bar.button = make("button", { type: "button", class: "oracle", "--s": time, "--d": 0, "--row": bar.row }, bar.words, bar.reading);
    this.add(this.oracles, bar.button);
  }

  text(id, text) {
    const bar = this.bars.get(id);
    if (!bar?.button) return;
    bar.text = text;
    bar.words.textContent = text;
    bar.button.setAttribute("aria-label", `Oracle ${id}, at ${bar.came.toFixed(2)} s: ${text}`);
  }

  read(id, time) {
    const bar = this.bars.get(id);
    bar?.reading?.style.setProperty("--read", Math.max(time + 1 / PER_SECOND - bar.came, 0));
  }

  over(id, time, givenUp) {
    const bar = this.bars.get(id);
    if (!bar) return;
    if (bar.came === undefined) {
      bar.line.style.setProperty("--d", time - bar.asked);
      this.ends[bar.row] = time + 0.3;
      this.bars.delete(id);
    }
    if (givenUp) bar.line.classList.add("given-up");
  }

  until(bar, time) {
    bar.until = time;
    bar.button.style.setProperty("--d", time - bar.came);
    this.ends[bar.row] = time;
  }

  // Time has come to `time`; the current oracle and open requests grow.
  move(time) {
    this.grow(time);
    for (const bar of this.bars.values()) {
      if (bar.came === undefined) bar.line.style.setProperty("--d", time - bar.asked);
      else if (bar.until === undefined) bar.button.style.setProperty("--d", time - bar.came);
    }
    if (this.following) this.place.scrollLeft = Math.max(0, time * this.scale - this.place.clientWidth * 0.85);
    this.draw();
  }

  mark(time) {
    this.marker.hidden = false;
    this.marker.style.setProperty("--s", time);
    const x = time * this.scale;
    if (this.following && (x < this.place.scrollLeft || x > this.place.scrollLeft + this.place.clientWidth * 0.85)) this.place.scrollLeft = x - this.place.clientWidth * 0.2;
  }

  zoom(by) {
    const middle = (this.place.scrollLeft + this.place.clientWidth / 2) / this.scale;
    this.scale = Math.min(300, Math.max(6, this.scale * by));
    this.place.style.setProperty("--pps", this.scale);
    this.place.scrollLeft = middle * this.scale - this.place.clientWidth / 2;
    this.draw();
  }

  draw() {
    for (const levels of Object.values(this.levels)) levels.draw(this.place.scrollLeft, this.place.clientWidth, this.scale);
  }
}
