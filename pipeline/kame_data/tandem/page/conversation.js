// What is on the page of a conversation, from its events one after another.

const byId = (id) => document.getElementById(id);
const MOST_LOGGED = 2000;
// Seconds without a word of the assistant's behind which what it says is a new paragraph.
const SILENCE = 1.5;

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? sorted[Math.floor((sorted.length - 1) / 2)] : null;
}

function seconds(value) {
  return value === null ? "-" : `${value.toFixed(2)} s`;
}

class Conversation {
  constructor(axis) {
    this.axis = axis;
    this.turns = { user: new Map(), assistant: new Map() };
    this.oracles = new Map();
    this.firsts = [];
    this.onsets = [];
    this.counts = { asked: 0, came: 0, read: 0 };
    this.userStart = this.userEnd = null;
    this.turn = 0;
    this.lastWord = 0;
    this.words = [];
    this.drawn = false;
    byId("user-said").replaceChildren();
    byId("assistant-said").replaceChildren();
    byId("log").replaceChildren();
    byId("oracle").replaceChildren(make("span", { class: "rest", text: "none yet" }));
    byId("onset").textContent = byId("first").textContent = "-";
    byId("counts").textContent = "0, 0, 0";
    byId("late").textContent = "0";
  }

  take(event) {
    const { kind, time, wall, ...rest } = event;
    if (kind in this) this[kind](event);
    const log = byId("log");
    log.append(make("li", { dir: "auto", text: `${time.toFixed(2)} ${kind} ${JSON.stringify(rest)}` }));
    if (log.children.length > MOST_LOGGED) log.firstChild.remove();
  }

  session(event) {
    byId("parts").textContent = `Model: ${event.model}. Heard by: ${event.recogniser}. Back end: ${event.back_end}, asked by ${event.policy}. Voice: ${event.voice}.`;
    const standIns = byId("stand-ins");
    standIns.hidden = !event.stand_ins?.length;
    standIns.textContent = `Stand-ins, not the real thing: ${(event.stand_ins ?? []).join("; ")}.`;
    this.wall = event.wall;
  }

  paragraph(side, turn) {
    let found = this.turns[side].get(turn);
    if (!found) {
      found = make("p", { dir: "auto" });
      this.turns[side].set(turn, found);
      const place = byId(`${side}-said`);
      place.append(found);
      if (place.children.length > 60) place.firstChild.remove();
    }
    return found;
  }

  heard(event, partial) {
    const place = this.paragraph("user", event.turn);
    place.textContent = event.text;
    place.classList.toggle("partial", partial);
    byId("user-said").scrollTop = 1e9;
  }

  user_partial(event) {
    this.heard(event, true);
  }

  user_final(event) {
    this.heard(event, false);
    if (event.ended && event.text) this.axis.heard(this.userStart ?? event.at, event.at, event.text);
    if (event.ended) this.userStart = null;
  }

  speech_start(event) {
    if (event.side === "user") {
      this.userStart ??= event.at;
      return;
    }
    if (this.userEnd !== null) this.onsets.push(event.at - this.userEnd);
    this.userEnd = null;
    byId("onset").textContent = seconds(this.onsets.length ? this.onsets[this.onsets.length - 1] : null);
  }

  speech_end(event) {
    if (event.side === "user") this.userEnd = event.at;
  }

  word(event) {
    if (event.at - this.lastWord > SILENCE) this.turn++;
    this.lastWord = event.at;
    const place = this.paragraph("assistant", this.turn);
    const node = make("span", { text: event.glued || !place.childNodes.length ? event.text : ` ${event.text}` });
    place.append(node);
    this.words.push(node);
    byId("assistant-said").scrollTop = 1e9;
    this.axis.word("assistant", event.at, event.text);
  }

  words_dropped(event) {
    for (const node of this.words.slice(-event.count)) node.replaceChildren(make("s", { text: node.textContent }));
  }

  ask(event) {
    this.counts.asked++;
    this.oracles.set(event.id, { asked: event.wall, pieces: [], read: 0 });
    this.axis.asked(event.id, event.time);
    this.count();
  }

  first_token(event) {
    this.counts.came++;
    const oracle = this.oracles.get(event.id);
    if (oracle) this.firsts.push(event.wall - oracle.asked);
    byId("first").textContent = seconds(median(this.firsts));
    this.axis.came(event.id, event.time);
    this.current = event.id;
    trouble(""); // the back end answers again
    this.show();
    this.count();
  }

  oracle_delta(event) {
    const oracle = this.oracles.get(event.id);
    if (!oracle) return;
    oracle.pieces.push({ text: event.text, tokens: event.tokens.length });
    this.axis.text(event.id, oracle.pieces.map((piece) => piece.text).join(""));
    this.show();
  }

  oracle(event) {
    this.axis.text(event.id, event.text);
    if (event.finish !== "stop") this.axis.over(event.id, event.time, event.finish !== "length");
  }

  no_answer(event) {
    this.axis.over(event.id, event.time, true);
  }

  cancelled(event) {
    this.axis.over(event.id, event.time, true);
  }

  oracle_read(event) {
    const oracle = this.oracles.get(event.id);
    if (!oracle) return;
    if (!oracle.read && event.read) this.counts.read++;
    oracle.read = Math.max(oracle.read, event.read);
    this.axis.read(event.id, event.time);
    this.show();
    this.count();
  }

  late_frame(event) {
    byId("late").textContent = `${event.total}`;
  }

  error(event) {
    if (event.id !== undefined) this.axis.over(event.id, event.time, true);
    trouble(`${event.part.replace("_", " ")}: ${event.message}`);
  }

  count() {
    byId("counts").textContent = `${this.counts.asked}, ${this.counts.came}, ${this.counts.read}`;
  }

  // The current oracle: what the model has read of it, and what is still to come. Drawn at most once a frame.
  show() {
    if (this.drawn) return;
    this.drawn = true;
    requestAnimationFrame(() => {
      this.drawn = false;
      const oracle = this.oracles.get(this.current);
      if (!oracle) return;
      let left = oracle.read, read = "", rest = "";
      for (const piece of oracle.pieces) {
        if (!rest && left >= piece.tokens) read += piece.text;
        else rest += piece.text;
        left -= piece.tokens;
      }
      byId("oracle").replaceChildren(make("span", { class: "read", dir: "auto", text: read }), make("span", { class: "rest", dir: "auto", text: rest }));
    });
  }
}

function trouble(text) {
  const place = byId("trouble");
  place.hidden = !text;
  place.textContent = text;
}

function controls(axis) {
  byId("in").addEventListener("click", () => axis.zoom(1.4));
  byId("out").addEventListener("click", () => axis.zoom(1 / 1.4));
  byId("follow").addEventListener("click", (event) => {
    axis.following = !axis.following;
    event.currentTarget.setAttribute("aria-pressed", `${axis.following}`);
  });
}
