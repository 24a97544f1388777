// The list of dialogues with its filters, the keys, the tooltip, and the start of it all.

const PAGE = 50;

class Browser {
  constructor(dialogues) {
    this.all = dialogues;
    this.viewer = new Viewer();
    this.page = 0;
    this.selected = null;
    this.options();
    byId("filters").addEventListener("input", () => this.filter());
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    byId("clear").addEventListener("click", () => {
      byId("filters").reset();
      this.filter();
    });
    byId("page-back").addEventListener("click", () => this.turn(this.page - 1));
    byId("page-on").addEventListener("click", () => this.turn(this.page + 1));
    byId("previous").addEventListener("click", () => this.step(-1));
    byId("next").addEventListener("click", () => this.step(1));
    byId("browser").addEventListener("keydown", (event) => this.key(event));
    addEventListener("hashchange", () => this.fromAddress());
    this.filter();
    if (!this.fromAddress() && this.found.length) this.select(this.found.find((d) => d.sound) ?? this.found[0]);
  }

  options() {
    const fill = (id, everything, values, name = (value) => value) => {
      byId(id).replaceChildren(make("option", { value: "", text: everything }), ...values.map((value) => make("option", { value, text: name(value) })));
      byId(id).parentElement.hidden = values.length < 2 && id !== "filter-situation";
    };
    const distinct = (of) => [...new Set(this.all.flatMap(of))].sort();
    fill("filter-source", "all", distinct((d) => [d.source]));
    fill("filter-category", "all", distinct((d) => [d.category]).filter(Boolean));
    fill("filter-level", "all", distinct((d) => d.oracles.map((o) => o.level)), (level) => `level ${level}`);
    fill("filter-split", "all", distinct((d) => [d.split]));
    fill("filter-situation", "all", distinct((d) => [...d.kinds]), (kind) => KINDS[kind] ?? kind);
    byId("filter-situation").parentElement.hidden = !this.all.some((d) => d.kinds.size);
    fill("filter-sound", "all", ["with", "without"], (value) => `${value} sound`);
    byId("filter-sound").parentElement.hidden = new Set(this.all.map((d) => Boolean(d.sound))).size < 2;
  }

  filter() {
    const value = (name) => byId(`filter-${name}`).value;
    const [source, category, split, situation, sound] = ["source", "category", "split", "situation", "sound"].map(value);
    const level = value("level") === "" ? null : Number(value("level"));
    const texts = folded(value("text")).split(/\s+/).filter(Boolean);
    this.found = this.all.filter(
      (d) =>
        (!source || d.source === source) && (!category || d.category === category) && (!split || d.split === split) &&
        (!situation || d.kinds.has(situation)) && (!sound || Boolean(d.sound) === (sound === "with")) &&
        (level === null || d.oracles.some((o) => o.level === level)) && texts.every((text) => d.holds(text, level)),
    );
    this.viewer.setLevel(level);
    const all = this.all.length === this.found.length;
    byId("found").textContent = all ? `${this.all.length.toLocaleString("en")} dialogues` : `${this.found.length.toLocaleString("en")} of ${this.all.length.toLocaleString("en")} dialogues`;
    byId("clear").disabled = all && level === null && !texts.length;
    this.turn(0);
  }

  turn(page) {
    const last = Math.max(0, Math.ceil(this.found.length / PAGE) - 1);
    this.page = Math.min(Math.max(page, 0), last);
    const from = this.page * PAGE;
    byId("list").replaceChildren(...this.found.slice(from, from + PAGE).map((dialogue) => this.item(dialogue)));
    byId("list").scrollTop = 0;
    byId("page-back").disabled = this.page === 0;
    byId("page-on").disabled = this.page === last;
    byId("page-at").textContent = `${this.page + 1} of ${last + 1}`;
  }

  item(dialogue) {
    const opening = dialogue.opening;
    const about = [dialogue.source, dialogue.split === "validation" ? "validation" : "", dialogue.spoken ? `${Math.round(dialogue.duration)} s` : "", dialogue.sound ? "sound" : "", ...[...dialogue.kinds].map((kind) => KINDS[kind] ?? kind)];
    const button = make("button", { type: "button" }, make("b", { text: dialogue.id }), make("span", { ...dialogue.written, class: "opening", text: opening.length > 120 ? `${opening.slice(0, 117)}...` : opening }), make("span", { class: "about", text: about.filter(Boolean).join(" · ") }));
    button.addEventListener("click", () => {
      this.select(dialogue);
      // On a narrow screen the dialogue lies below the list.
      if (matchMedia("(max-width: 900px)").matches) byId("viewer").scrollIntoView();
      byId("viewer").focus({ preventScroll: true });
    });
    if (dialogue === this.selected) button.setAttribute("aria-current", "true");
    return make("li", {}, button);
  }

  select(dialogue) {
    this.selected = dialogue;
    this.viewer.show(dialogue);
    const place = this.found.indexOf(dialogue);
    if (place >= 0 && Math.floor(place / PAGE) !== this.page) this.turn(Math.floor(place / PAGE));
    const buttons = [...byId("list").querySelectorAll("button")];
    buttons.forEach((button) => button.removeAttribute("aria-current"));
    const current = buttons[place - this.page * PAGE];
    if (place >= 0 && current) {
      current.setAttribute("aria-current", "true");
      const list = byId("list"), top = current.offsetTop - list.offsetTop;
      if (top < list.scrollTop || top + current.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = top - list.clientHeight / 3;
    }
    byId("previous").disabled = place === 0;
    byId("next").disabled = place === this.found.length - 1 || !this.found.length;
    history.replaceState(null, "", `#dialogue=${encodeURIComponent(dialogue.id)}`);
  }

  step(by) {
    const place = this.found.indexOf(this.selected);
    const next = this.found[place < 0 ? 0 : place + by];
    if (next) this.select(next);
  }

  fromAddress() {
    const given = location.hash.match(/^#dialogue=(.*)$/);
    if (!given) return false;
    let wanted = given[1];
    try {
      wanted = decodeURIComponent(given[1]);
    } catch {
      // an address that somebody typed
    }
    const dialogue = this.all.find((d) => d.id === wanted);
    if (dialogue && dialogue !== this.selected) this.select(dialogue);
    return Boolean(dialogue);
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
    const at = event.target;
    const inList = at.closest("#list");
    if (inList && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const buttons = [...byId("list").querySelectorAll("button")];
      buttons[buttons.indexOf(at) + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
      event.preventDefault();
      return;
    }
    if (at.closest("input:not([type=range]), select, textarea")) return;
    const slider = at.matches("input[type=range]");
    const { player } = this.viewer;
    const acts = {
      n: () => this.step(1), p: () => this.step(-1),
      ...(at.closest("button, summary, a") ? {} : { " ": () => player.toggle() }),
      ...(at.closest(".scroll") ? {} : { ArrowRight: () => this.viewer.seek(player.time + 1), ArrowLeft: () => this.viewer.seek(player.time - 1) }),
      ...(inList || slider ? {} : { Home: () => this.viewer.seek(0) }),
    };
    const act = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}

// A tooltip for whatever carries one, on hover, focus and tap; a plot's marks carry theirs as labels.
function tooltips() {
  const tip = byId("tip");
  const textOf = (element) => {
    const found = element?.closest?.("[data-tip], .plot svg [role=graphics-symbol][aria-label]:not([aria-roledescription=axis]):not([aria-roledescription=legend])");
    return found ? [found, found.dataset.tip ?? found.getAttribute("aria-label")] : null;
  };
  let owner = null;
  const place = (x) => {
    const box = owner.getBoundingClientRect();
    const left = Math.min(x ?? Math.max(box.left, 8), innerWidth - tip.offsetWidth - 8);
    const below = box.bottom + 6 + tip.offsetHeight < innerHeight;
    tip.style.setProperty("left", `${Math.max(left, 8)}px`);
    tip.style.setProperty("top", `${below ? box.bottom + 6 : Math.max(box.top - tip.offsetHeight - 6, 4)}px`);
  };
  const show = (event) => {
    const found = textOf(event.target);
    tip.hidden = !found;
    owner = found?.[0] ?? null;
    if (!found) return;
    tip.textContent = found[1];
    place(event.type === "focusin" ? null : event.clientX - 20);
  };
  for (const name of ["pointerover", "pointerdown", "focusin"]) document.addEventListener(name, show);
  document.addEventListener("focusout", () => (tip.hidden = true));
  const moved = () => {
    // What has the focus scrolls into view and keeps its tooltip; what the pointer was on may be elsewhere now.
    if (owner && owner === document.activeElement && !tip.hidden) place(null);
    else tip.hidden = true;
  };
  document.addEventListener("scroll", moved, { capture: true, passive: true });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") tip.hidden = true;
  });
}

function start() {
  tooltips();
  const dialogues = readDialogues();
  const sounds = dialogues.filter((dialogue) => dialogue.sound).length;
  const spoken = dialogues.some((dialogue) => dialogue.spoken);
  const left = CONSTANTS.soundsAsked - sounds;
  const rest = left > 0 ? ` (that of ${left} more did not fit)` : "";
  byId("with-sound").textContent = spoken ? `, ${sounds === dialogues.length ? "all" : sounds} with ${sounds === 1 ? "its" : "their"} sound${rest}.` : ". They were never spoken.";
  if (!dialogues.length) return;
  byId("browser").hidden = false;
  new Browser(dialogues);
}

start();
