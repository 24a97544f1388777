"use strict";
// What the page holds, and small helpers. Data reaches the document as text nodes and as attributes that cannot run.

const CONSTANTS = JSON.parse(document.getElementById("constants").textContent);
// The frame in which a moment lies: as `frame_of` in Python has it, to the microsecond.
function frameOf(seconds) {
  return Math.floor(Math.round(seconds * 1e6) / Math.round(CONSTANTS.frame * 1e6));
}

// In languages without spaces a word is an ideograph or a run of anything else, and the punctuation that follows it.
const UNSPACED = new Set(CONSTANTS.unspaced);
const OTHER = `(?![${CONSTANTS.ideograph}])`, UNSPACED_WORD = new RegExp(
  `(?:[${CONSTANTS.ideograph}]|${OTHER}[\\p{L}\\p{N}_](?:${OTHER}[\\p{L}\\p{N}_'’-])*|\\S)[^\\p{L}\\p{N}_\\s]*\\s*`, "gu",
);
// Text of these may begin with a foreign name, which says nothing of its direction.
const RIGHT_TO_LEFT = new Set(["ar", "dv", "fa", "he", "ps", "ur", "yi"]);
const KINDS = {
  pause: "pause", hesitation: "hesitation", back_channel: "back-channel", barge_in: "barge-in", overlap: "overlap", background: "background",
  early_start: "early start", filler: "filler",
};

function byId(id) {
  return document.getElementById(id);
}

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") element.className = value;
    else if (name === "text") element.textContent = value;
    else if (name.startsWith("--")) element.style.setProperty(name, value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function chip(level) {
  return make("span", { class: `chip level-${level}`, text: String(level) });
}

function clock(seconds) {
  const tenths = Math.max(0, Math.round(seconds * 10));
  return `${Math.floor(tenths / 600)}:${String(Math.floor((tenths % 600) / 10)).padStart(2, "0")}.${tenths % 10}`;
}

function folded(text) {
  return text.normalize("NFKC").toLowerCase();
}

// How many of the sorted numbers are not above the value.
function rank(sorted, value) {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

class Dialogue {
  constructor(row) {
    Object.assign(this, row);
    this.unspaced = UNSPACED.has(row.language.split("-")[0]);
    this.joint = this.unspaced ? "" : " ";
    this.words = row.words.map(([turn, word, start, end]) => ({ turn, word, start, end }));
    this.oracles = row.oracles.map(([turn, prefix, level, text, heard, time, pieces]) => ({ turn, prefix, level, text, heard, time, pieces }));
    this.situations = row.situations.map(([kind, turn, start, end]) => ({ kind, turn, start, end }));
    this.kinds = new Set(this.situations.map((situation) => situation.kind));
    this.aside = new Set(this.situations.filter((s) => s.kind === "back_channel").map((s) => s.turn));
    this.heardAs = new Map(row.transcripts.map(([turn, prefix, text]) => [`${turn} ${prefix}`, text]));
    this.sound = null;
  }

  // Attributes of an element that shows its text: its language, and the direction in which that is written.
  get written() {
    const right = RIGHT_TO_LEFT.has(this.language.split("-")[0]);
    return { dir: right ? "rtl" : "auto", lang: this.language || null };
  }

  get opening() {
    return this.turnText(0);
  }

  wordsOf(turn) {
    return this.words.filter((word) => word.turn === turn);
  }

  turnText(turn) {
    return this.wordsOf(turn).map((word) => word.word).join(this.joint);
  }

  // What the back end was asked about: the prefix as it was said, and as the recogniser had it where that differs.
  prefix(oracle) {
    const said = this.wordsOf(oracle.turn).slice(0, oracle.prefix).map((word) => word.word).join(this.joint);
    return { said, heard: this.heardAs.get(`${oracle.turn} ${oracle.prefix}`) ?? null };
  }

  // [{time, until, oracles}] in order: what arrived when, and until when it was read: the next arrival or the end.
  get events() {
    if (this._events) return this._events;
    const at = new Map();
    for (const oracle of this.oracles) {
      if (oracle.time === null) continue;
      if (!at.has(oracle.time)) at.set(oracle.time, []);
      at.get(oracle.time).push(oracle);
    }
    const times = [...at.keys()].sort((a, b) => a - b);
    this._events = times.map((time, n) => ({ time, until: Math.max(time, Math.min(times[n + 1] ?? this.duration, this.duration)), oracles: at.get(time) }));
    return this._events;
  }

  units(oracle) {
    return oracle.pieces ?? (this.unspaced ? oracle.text.trim().match(UNSPACED_WORD) ?? [] : oracle.text.split(/\s+/).filter(Boolean));
  }

  // Of an oracle that arrived: its units that are read by the moment, the others, and how long all of them take.
  reading(oracle, moment) {
    const units = this.units(oracle), frames = oracle.pieces ? 1 : CONSTANTS.tokensPerWord;
    const tokens = Math.max(0, frameOf(moment) - frameOf(oracle.time) - 1);
    const count = Math.min(units.length, Math.floor(tokens / frames + 1e-6));
    const joint = oracle.pieces ? "" : this.joint;
    return {
      count, of: units.length, seconds: (1 + units.length * frames) * CONSTANTS.frame,
      seen: units.slice(0, count).join(joint), rest: units.slice(count).join(joint),
      joint: count && count < units.length ? joint : "",
    };
  }

  get texts() {
    if (!this._texts) {
      const cut = this.turns.map((turn) => turn.cut ?? "");
      const own = [this.id, this.category, this.answer, ...this.choices, ...this.turns.map((_, n) => this.turnText(n)), ...cut, ...this.heardAs.values()];
      this._texts = { own: folded(own.join("\n")), oracles: new Map() };
      for (const oracle of this.oracles) {
        const before = this._texts.oracles.get(oracle.level) ?? "";
        this._texts.oracles.set(oracle.level, `${before}\n${folded(oracle.text)}`);
      }
    }
    return this._texts;
  }

  // With a level, what is searched are the oracles of that level alone.
  holds(text, level) {
    if (level !== null) return this.texts.oracles.get(level)?.includes(text) ?? false;
    return this.texts.own.includes(text) || [...this.texts.oracles.values()].some((all) => all.includes(text));
  }
}

function readDialogues() {
  const found = [...document.querySelectorAll("script.dialogue")].map((node) => new Dialogue(JSON.parse(node.textContent)));
  const named = new Map(found.map((dialogue) => [dialogue.id, dialogue]));
  const sounds = document.querySelectorAll("script.sound");
  document.querySelectorAll("script.sound-of").forEach((node, n) => {
    const about = JSON.parse(node.textContent);
    const dialogue = named.get(about.id);
    if (dialogue) dialogue.sound = { node: sounds[n], user: bytesOf(about.user), assistant: bytesOf(about.assistant) };
  });
  return found;
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
