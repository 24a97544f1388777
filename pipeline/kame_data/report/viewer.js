// One dialogue: its player, its timeline, what the model sees, what is said.

class Viewer {
  constructor() {
    this.player = new Player(() => this.refresh());
    this.timeline = new Timeline(byId("timeline"), (time) => this.seek(time));
    this.level = null;
    byId("play").addEventListener("click", () => this.player.toggle());
    byId("seek").addEventListener("input", () => this.seek(Number(byId("seek").value)));
    byId("channel").addEventListener("change", () => this.player.hear(byId("channel").value));
    byId("rate").addEventListener("change", () => this.player.setRate(Number(byId("rate").value)));
    byId("zoom-in").addEventListener("click", () => this.timeline.zoom(this.timeline.scale * 1.5));
    byId("zoom-out").addEventListener("click", () => this.timeline.zoom(this.timeline.scale / 1.5));
    byId("zoom-fit").addEventListener("click", () => this.timeline.fit());
  }

  show(dialogue) {
    this.dialogue = dialogue;
    byId("viewer-title").textContent = dialogue.id;
    const badges = [dialogue.source, dialogue.category, dialogue.form === "closed" ? "" : dialogue.form.replace("_", " "), dialogue.language, dialogue.split, dialogue.spoken ? `${dialogue.duration.toFixed(1)} s` : "text alone", ...[...dialogue.kinds].map((kind) => KINDS[kind] ?? kind)];
    byId("viewer-badges").replaceChildren(...badges.filter(Boolean).map((text) => make("span", { text })));
    byId("sound-note").textContent = this.soundNote(dialogue);
    byId("channel").disabled = !dialogue.sound;
    const seek = byId("seek");
    seek.max = dialogue.duration;
    this.said(dialogue);
    this.table(dialogue);
    this.facts(dialogue);
    this.starts = dialogue.words.map((word, n) => [word.start, n]).sort((a, b) => a[0] - b[0]);
    this.startTimes = this.starts.map(([start]) => start);
    this.eventTimes = dialogue.events.map((event) => event.time);
    this.lit = [];
    this.shown = null;
    this.timeline.show(dialogue);
    this.timeline.dim(this.level);
    this.player.load(dialogue);
    this.refresh();
  }

  soundNote(dialogue) {
    if (dialogue.sound) return "";
    if (!dialogue.spoken) return `This dialogue was never spoken. Its times are reckoned: words at ${CONSTANTS.wordsAMinute} a minute, and the back end's loop replayed on them. It plays in silence.`;
    return `Its sound is not in this page, so it plays in silence. To hear it: kame-data report OUT --dialogue ${dialogue.id}`;
  }

  seek(time) {
    this.player.seek(time);
    this.refresh();
    this.timeline.move(this.player.time, true);
  }

  setLevel(level) {
    this.level = level;
    if (this.dialogue) this.timeline.dim(level);
  }

  // Follows the player: once for every change, and every frame while it plays.
  refresh() {
    if (!this.dialogue) return;
    const { playing, time } = this.player;
    const play = byId("play");
    if (play.dataset.playing !== String(playing)) {
      play.dataset.playing = String(playing);
      play.textContent = playing ? "Pause" : "Play";
    }
    if (document.activeElement !== byId("seek") || playing) byId("seek").value = time;
    // In whole seconds: a screen reader that stands on it would read out every change.
    const told = `${Math.floor(time)} of ${Math.ceil(this.dialogue.duration)} seconds`;
    if (byId("seek").getAttribute("aria-valuetext") !== told) byId("seek").setAttribute("aria-valuetext", told);
    if (this.player.failed) byId("sound-note").textContent = "This browser could not play the sound (FLAC): it plays in silence.";
    byId("clock").textContent = `${clock(time)} / ${clock(this.dialogue.duration)}`;
    this.timeline.move(time, playing);
    this.light(time);
    this.sees(time);
    if (playing && !this.ticking) {
      this.ticking = true;
      requestAnimationFrame(() => {
        this.ticking = false;
        this.refresh();
      });
    }
  }

  light(time) {
    const upTo = rank(this.startTimes, time);
    const now = new Set();
    // Few words sound at once: those that began last are enough to look at.
    for (let n = upTo - 1; n >= Math.max(0, upTo - 8); n--) {
      const index = this.starts[n][1];
      if (this.dialogue.words[index].end > time) now.add(index);
    }
    for (const index of this.lit) if (!now.has(index)) this.mark(index, false);
    for (const index of now) this.mark(index, true);
    this.lit = [...now];
    if (this.past === upTo) return;
    this.past = upTo;
    this.starts.forEach(([, index], n) => this.spans[index].classList.toggle("past", n < upTo));
  }

  mark(index, on) {
    this.spans[index].classList.toggle("now", on);
    this.timeline.words.get(index)?.classList.toggle("now", on);
  }

  // The oracle that is being read, as far as it is read.
  sees(time) {
    const event = this.dialogue.events[rank(this.eventTimes, time) - 1];
    const readings = event ? event.oracles.map((oracle) => ({ oracle, ...this.dialogue.reading(oracle, time) })) : [];
    const shown = JSON.stringify([event?.time, readings.map((reading) => reading.count)]);
    if (shown === this.shown) return;
    this.shown = shown;
    const place = byId("now");
    if (!event) {
      place.replaceChildren(make("p", { class: "about", text: "Nothing yet: no oracle has arrived." }));
      return;
    }
    const { said, heard } = this.dialogue.prefix(event.oracles[0]);
    const parts = readings.map(({ oracle, seen, rest, joint, count, of }) => {
      const unit = oracle.pieces ? "tokens" : "words";
      const state = count >= of ? "read to the end: padding now" : `${oracle.pieces ? "" : "about "}${count} of ${of} ${unit} read`;
      return make("p", { ...this.dialogue.written, class: "reading" }, chip(oracle.level), make("strong", { text: seen }), make("span", { class: "rest", text: joint + rest }), make("span", { class: "state", dir: "ltr", lang: "en", text: state }));
    });
    const about = make("p", { class: "about" }, "Arrived at ", `${event.time.toFixed(2)} s, in answer to: `, make("q", { ...this.dialogue.written, text: said }));
    if (readings.length > 1) about.prepend("A grid: every level of the prefix arrives at once. ");
    if (heard !== null) about.append(" heard as ", make("q", { ...this.dialogue.written, text: heard }));
    place.replaceChildren(...parts, about);
  }

  said(dialogue) {
    this.spans = [];
    this.past = -1;
    const turns = dialogue.turns.map((turn, number) => {
      const text = make("p", dialogue.written);
      dialogue.words.forEach((word, n) => {
        if (word.turn !== number) return;
        const span = make("span", { class: "word", text: word.word });
        span.addEventListener("click", () => this.seek(word.start));
        this.spans[n] = span;
        text.append(span, dialogue.joint);
      });
      if (turn.cut) text.append(make("s", { text: turn.cut, title: "Interrupted: this was not said" }));
      const marks = dialogue.situations.filter((s) => s.turn === number).map((s) => KINDS[s.kind] ?? s.kind);
      const name = make("b", {}, turn.role, ...[...new Set(marks)].map((mark) => make("em", { text: mark })));
      return make("li", { class: `${turn.role}${dialogue.aside.has(number) ? " aside" : ""}` }, name, text);
    });
    byId("said").replaceChildren(...turns);
  }

  table(dialogue) {
    const head = make("tr", {}, ...["level", "turn", "words heard", "heard at", "arrived", "text"].map((text) => make("th", { scope: "col", text })));
    const seconds = (value) => (value === null ? "" : value.toFixed(2));
    const rows = dialogue.oracles.map((o) => {
      const cells = [o.turn + 1, o.prefix, seconds(o.heard), o.time === null ? "never" : seconds(o.time), o.text];
      return make("tr", {}, make("td", {}, chip(o.level)), ...cells.map((text) => make("td", { dir: "auto", text })));
    });
    byId("oracles-table").replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows));
  }

  facts(dialogue) {
    const lines = [
      ["question", dialogue.question_id], ["answer", dialogue.answer], ["choices", dialogue.choices.join(" / ")], ["split in the source", dialogue.source_split],
      ...Object.entries(dialogue.provenance), ...Object.entries(dialogue.checks).map(([name, value]) => [name, value.toFixed(2)]),
    ];
    byId("facts").replaceChildren(
      ...lines.filter(([, value]) => value !== "").flatMap(([name, value]) => [make("dt", { text: name.replaceAll("_", " ") }), make("dd", { dir: "auto", text: value })]),
    );
  }
}
