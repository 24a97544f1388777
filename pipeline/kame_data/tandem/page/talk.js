// A live conversation over /ws, or one that is over.

const MOST_KEPT = 30 * 60 * PER_SECOND; // frames of a conversation that can be saved
const CLOSED = { 1001: "The server is closing.", 1006: "The connection broke.", 1013: "All places are taken." };

class Talk {
  constructor() {
    this.axis = new Axis(byId("axis"));
    controls(this.axis);
    this.button = byId("talk");
    this.button.addEventListener("click", () => this.toggle());
    byId("mute").addEventListener("click", () => this.mute());
    byId("save").addEventListener("click", () => this.save());
    document.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("select, input")) return;
      if (event.key === "t" || event.key === "T") this.toggle();
      if ((event.key === "m" || event.key === "M") && this.device) this.mute();
    });
    this.say("Press Talk, allow the microphone, and speak.");
  }

  say(text) {
    byId("state").textContent = text;
  }

  toggle() {
    if (this.socket || this.opening) this.end();
    else this.begin();
  }

  async begin() {
    this.opening = true;
    trouble("");
    this.button.textContent = "Stop";
    this.button.classList.add("on");
    this.say("The microphone is asked for.");
    this.device = new SoundDevice((sound) => this.heard(sound));
    try {
      await this.device.open();
    } catch (error) {
      const refused = error.name === "NotAllowedError" ? "The microphone was refused; allow it for this page in the browser." : error.name === "NotFoundError" ? "No microphone was found." : error.message;
      this.closed(refused);
      return;
    }
    if (!this.opening) return; // stopped meanwhile
    this.fresh();
    const query = new URLSearchParams(location.search);
    query.set("format", "s16");
    if (byId("voice").value) query.set("voice", byId("voice").value);
    this.socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws?${query}`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = (event) => (typeof event.data === "string" ? this.told(JSON.parse(event.data)) : this.sounded(new Int16Array(event.data)));
    this.socket.onclose = (event) => this.closed(event.code === 1000 ? "" : event.reason || CLOSED[event.code] || `The connection was closed (${event.code}).`);
    this.say("Connecting.");
  }

  fresh() {
    this.axis.empty();
    this.conversation = new Conversation(this.axis);
    this.events = [];
    this.kept = { user: [], assistant: [] };
    this.frames = { user: 0, assistant: 0 };
    this.ready = false;
    this.sent = 0;
  }

  told(event) {
    if (event.kind === "queue") {
      this.say(`All places are taken; you are number ${event.place} in the queue.`);
    } else if (event.kind === "ready") {
      this.ready = true;
      byId("recorded").hidden = !event.recorded;
      this.voices(event.voices ?? []);
      byId("mute").disabled = false;
      this.say("Speak.");
    } else {
      this.events.push(event);
      this.conversation.take(event);
      if (event.kind === "late_frame") this.frames.assistant = this.fill("assistant", this.frames.assistant + event.skipped);
      if (event.kind === "closed" && event.reason !== "the user left") trouble(event.reason);
    }
  }

  voices(names) {
    const select = byId("voice"), before = select.value;
    byId("voices").hidden = names.length < 2;
    select.replaceChildren(...names.map((name) => make("option", { value: name, text: name })));
    if (names.includes(before)) select.value = before;
  }

  heard(sound) {
    byId("meter-user").style.setProperty("--level", Math.min(1, Math.sqrt(loudness(sound) * 3)));
    if (!this.ready || this.socket?.readyState !== WebSocket.OPEN) return;
    // A connection that takes nothing must not fill the memory.
    if (this.socket.bufferedAmount > RATE * 2 * 5) return this.end("The connection is too slow: five seconds of sound wait.");
    const samples = toInt16(sound);
    this.socket.send(samples);
    this.keep("user", samples, sound);
  }

  sounded(samples) {
    const sound = toFloat(samples);
    this.device?.play(sound);
    byId("meter-assistant").style.setProperty("--level", Math.min(1, Math.sqrt(loudness(sound) * 3)));
    this.keep("assistant", samples, sound);
    this.axis.move(this.frames.assistant / PER_SECOND);
  }

  keep(side, samples, sound) {
    this.axis.levels[side].set(this.frames[side]++, loudness(sound));
    if (this.kept[side].length < MOST_KEPT) this.kept[side].push(samples);
  }

  // For frames that the model was not shown there is no sound: silence keeps both sides together.
  fill(side, frames) {
    while (this.kept[side].length < Math.min(frames, MOST_KEPT)) this.kept[side].push(new Int16Array(FRAME));
    return frames;
  }

  mute() {
    const button = byId("mute");
    this.device.muted = !this.device.muted;
    button.setAttribute("aria-pressed", `${this.device.muted}`);
    button.textContent = this.device.muted ? "Muted" : "Mute";
  }

  end(why = "") {
    this.opening = false;
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.why = why;
      this.ready = false;
      this.socket.send(JSON.stringify({ kind: "end" }));
      setTimeout(() => this.socket?.close(1000), 5000);
      this.say("The conversation ends.");
    } else {
      this.socket?.close();
      this.closed(why);
    }
  }

  closed(why) {
    this.opening = this.ready = false;
    this.device?.close();
    if (this.socket) this.socket.onclose = null;
    this.device = this.socket = null;
    this.button.textContent = "Talk";
    this.button.classList.remove("on");
    const mute = byId("mute");
    mute.disabled = true;
    mute.setAttribute("aria-pressed", "false");
    mute.textContent = "Mute";
    for (const side of ["user", "assistant"]) byId(`meter-${side}`).style.setProperty("--level", 0);
    byId("save").disabled = !this.kept?.assistant.length;
    const reason = why || this.why || "";
    this.why = "";
    if (reason) trouble(reason);
    this.say("The conversation is over.");
  }

  save() {
    const name = `conversation-${this.events[0]?.id ?? "unknown"}`;
    this.give(wavOf(this.kept.assistant, this.kept.user), `${name}.wav`);
    this.give(new Blob([this.events.map((event) => `${JSON.stringify(event)}\n`).join("")], { type: "application/jsonl" }), `${name}.jsonl`);
  }

  give(blob, name) {
    const link = make("a", { href: URL.createObjectURL(blob), download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }
}

// A conversation that is over: its events at once, its sound to play.
async function showOver() {
  const axis = new Axis(byId("axis"));
  controls(axis);
  axis.following = false;
  byId("follow").setAttribute("aria-pressed", "false");
  const conversation = new Conversation(axis);
  const events = JSON.parse(byId("session").textContent);
  for (const event of events) {
    axis.grow(event.time);
    conversation.take(event);
  }
  axis.move(events[events.length - 1].time);
  const player = byId("play"), encoded = byId("sound").textContent;
  if (!encoded) {
    player.hidden = true;
    return;
  }
  const bytes = Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0));
  player.src = URL.createObjectURL(new Blob([bytes], { type: "audio/flac" }));
  const mark = () => {
    axis.mark(player.currentTime);
    if (!player.paused) requestAnimationFrame(mark);
  };
  for (const name of ["play", "seeked", "pause"]) player.addEventListener(name, mark);
  axis.place.addEventListener("click", (event) => {
    if (event.target.closest("button")) return;
    player.currentTime = Math.max(0, (event.clientX - axis.track.getBoundingClientRect().left) / axis.scale);
  });
  const sound = await new OfflineAudioContext(2, 1, RATE).decodeAudioData(bytes.buffer.slice(0));
  ["assistant", "user"].forEach((side, channel) => {
    const samples = sound.getChannelData(Math.min(channel, sound.numberOfChannels - 1));
    for (let n = 0; (n + 1) * FRAME <= samples.length; n++) axis.levels[side].set(n, loudness(samples.subarray(n * FRAME, (n + 1) * FRAME)));
  });
  axis.move(sound.duration);
}

if (byId("session")) showOver().catch((error) => trouble(`The conversation cannot be shown: ${error.message}`));
else new Talk();
