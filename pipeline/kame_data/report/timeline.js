// A dialogue in time: seconds, situations, the user's sound and words, oracles by level, the assistant's sound and words.

const SVG = "http://www.w3.org/2000/svg";
const OUTLINE_RATE = 25;

function outline(peaks) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", `0 -1 ${peaks.length} 2`);
  drawing.setAttribute("preserveAspectRatio", "none");
  drawing.setAttribute("aria-hidden", "true");
  drawing.style.setProperty("--n", peaks.length / OUTLINE_RATE);
  const upper = Array.from(peaks, (peak, n) => `${n + 0.5} ${(-Math.max(peak / 255, 0.012)).toFixed(3)}`);
  const lower = Array.from(peaks, (peak, n) => `${n + 0.5} ${Math.max(peak / 255, 0.012).toFixed(3)}`).reverse();
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", `M${upper.join("L")}L${lower.join("L")}Z`);
  drawing.append(path);
  return drawing;
}

function placed(tag, attributes, start, end) {
  return make(tag, { ...attributes, "--s": start, "--d": Math.max(end - start, 0) });
}

// One tab stop for many buttons: arrows go on from one to the next.
function roving(lane, buttons) {
  buttons.forEach((button, n) => {
    button.tabIndex = n === 0 ? 0 : -1;
    button.addEventListener("keydown", (event) => {
      const to = { ArrowRight: n + 1, ArrowDown: n + 1, ArrowLeft: n - 1, ArrowUp: n - 1, Home: 0, End: buttons.length - 1 }[event.key];
      if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation();
      buttons[to]?.focus();
    });
    button.addEventListener("focus", () => {
      for (const other of buttons) other.tabIndex = -1;
      button.tabIndex = 0;
    });
  });
}

// The lowest row of those whose last end is not behind the start.
function freeRow(ends, start, end) {
  const row = ends.findIndex((last) => last <= start + 1e-9);
  const taken = row < 0 ? ends.length : row;
  ends[taken] = end;
  return taken;
}

class Timeline {
  constructor(place, seek) {
    this.place = place;
    this.seek = seek;
    this.scale = 110;
    place.addEventListener("click", (event) => {
      if (event.target.closest("button")) return;
      const from = this.track.getBoundingClientRect().left;
      if (event.clientX >= from) seek((event.clientX - from) / this.scale);
    });
  }

  show(dialogue) {
    this.dialogue = dialogue;
    this.marker = make("div", { class: "marker", "aria-hidden": "true" });
    this.words = new Map();
    this.bars = [];
    const lanes = [this.axis(), this.situations(), this.side("user"), this.oracles(), this.side("assistant")].filter(Boolean);
    this.track = make("div", { class: "track", "--length": dialogue.duration }, ...lanes, this.marker);
    this.place.replaceChildren(this.track);
    this.place.scrollLeft = 0;
    this.zoom(this.scale);
    this.move(0, false);
  }

  // A tooltip stays while its element has the focus, which not every browser gives to what was tapped.
  go(button, time) {
    button.focus({ preventScroll: true });
    this.seek(time);
  }

  axis() {
    const lane = make("div", { class: "lane axis", "aria-hidden": "true" });
    for (let second = 0; second <= this.dialogue.duration; second++) lane.append(placed("span", { text: `${second}` }, second, second));
    return lane;
  }

  situations() {
    const shown = this.dialogue.situations.filter((s) => s.start !== null && s.end !== null);
    if (!shown.length) return null;
    const ends = [];
    const buttons = shown.map((situation) => {
      const name = KINDS[situation.kind] ?? situation.kind;
      const whose = this.dialogue.turns[situation.turn]?.role ?? "nobody";
      const about = `${name} (${whose}), ${situation.start.toFixed(2)} to ${situation.end.toFixed(2)} s`;
      const button = placed("button", { type: "button", class: `situation ${situation.kind in KINDS ? situation.kind : ""}`, "aria-label": about, "data-tip": about }, situation.start, situation.end);
      button.append(make("span", { text: name }));
      // A label needs some room, however short the situation is.
      button.style.setProperty("--row", freeRow(ends, situation.start, Math.max(situation.end, situation.start + 0.9)));
      button.addEventListener("click", () => this.go(button, situation.start));
      return button;
    });
    const lane = make("div", { class: "lane situations", role: "group", "aria-label": "Situations", "--rows": ends.length }, ...buttons);
    roving(lane, buttons);
    return lane;
  }

  side(role) {
    const lane = make("div", { class: `lane voice ${role}`, "aria-hidden": "true" });
    const peaks = this.dialogue.sound?.[role];
    const wave = make("div", { class: "wave" });
    if (peaks) wave.append(outline(peaks));
    const words = make("div", { class: "words" });
    this.dialogue.words.forEach((word, n) => {
      if (this.dialogue.turns[word.turn].role !== role) return;
      if (!peaks) wave.append(placed("i", {}, word.start, word.end));
      const shown = placed("span", { dir: "auto", text: word.word }, word.start, word.end);
      this.words.set(n, shown);
      words.append(shown);
    });
    lane.append(make("b", { class: "lane-name", text: role }), wave, words);
    return lane;
  }

  oracles() {
    const rows = 6;
    const lane = make("div", { class: "lane oracles", role: "group", "aria-label": "Oracles, by the moment they arrive", "--rows": rows });
    for (let level = 0; level < rows; level++) lane.append(make("b", { class: "level-name", "--row": rows - 1 - level, "aria-hidden": "true", text: `level ${level}` }));
    for (const event of this.dialogue.events) {
      for (const oracle of event.oracles) {
        const about = `Level ${oracle.level}, at ${oracle.time.toFixed(2)} s: ${oracle.text}`;
        const bar = placed("button", { type: "button", class: `oracle level-${oracle.level}`, "aria-label": about, "data-tip": about, "data-level": oracle.level }, event.time, event.until);
        bar.style.setProperty("--row", rows - 1 - Math.min(Math.max(oracle.level, 0), 5));
        bar.style.setProperty("--read", Math.min(this.dialogue.reading(oracle, event.time).seconds, event.until - event.time));
        bar.append(make("i", { "aria-hidden": "true" }), chip(oracle.level), make("span", { ...this.dialogue.written, class: "oracle-text", text: oracle.text }));
        bar.addEventListener("click", () => this.go(bar, event.time));
        lane.append(bar);
        this.bars.push({ bar, event });
      }
    }
    roving(lane, this.bars.map(({ bar }) => bar));
    return lane;
  }

  dim(level) {
    for (const { bar } of this.bars) bar.classList.toggle("dim", level !== null && bar.dataset.level !== String(level));
  }

  zoom(scale) {
    const middle = (this.place.scrollLeft + this.place.clientWidth / 2) / this.scale;
    this.scale = Math.min(Math.max(scale, 8), 400);
    this.place.style.setProperty("--pps", this.scale);
    this.place.classList.toggle("small", this.scale < 60);
    this.place.scrollLeft = middle * this.scale - this.place.clientWidth / 2;
  }

  fit() {
    this.zoom((this.place.clientWidth - 4) / this.dialogue.duration);
  }

  move(time, follow) {
    this.marker.style.setProperty("--s", time);
    for (const { bar, event } of this.bars) bar.classList.toggle("now", event.time <= time && time < event.until);
    if (!follow) return;
    const x = time * this.scale, width = this.place.clientWidth, from = this.place.scrollLeft;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      if (x < from || x > from + width * 0.9) this.place.scrollLeft = x - width * 0.1;
    } else if (x < from || x > from + width * 0.4) {
      this.place.scrollLeft = x - width * 0.4;
    }
  }
}
