// Plays a dialogue's sound, or, where the page has none, lets the time go by in silence.

class Player {
  constructor(changed) {
    this.changed = changed;
    this.audio = new Audio();
    this.audio.preload = "auto";
    for (const name of ["play", "pause", "ended", "seeked", "loadedmetadata"]) this.audio.addEventListener(name, () => changed());
    this.audio.addEventListener("error", () => {
      if (this.url) this.failed = true;
      changed();
    });
    this.url = null;
    this.silent = { at: 0, since: null };
    this.rate = 1;
    this.duration = 0;
    this.channel = "both";
  }

  load(dialogue) {
    this.pause();
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = null;
    this.failed = false;
    this.duration = dialogue.duration;
    this.silent = { at: 0, since: null };
    if (dialogue.sound) {
      const sound = new Blob([bytesOf(dialogue.sound.node.textContent)], { type: "audio/flac" });
      this.url = URL.createObjectURL(sound);
      this.audio.src = this.url;
      this.audio.playbackRate = this.rate;
    } else {
      this.audio.removeAttribute("src");
      this.audio.load();
    }
    this.changed();
  }

  get sounding() {
    return this.url !== null && !this.failed;
  }

  get playing() {
    return this.sounding ? !this.audio.paused && !this.audio.ended : this.silent.since !== null;
  }

  get time() {
    if (this.sounding) return Math.min(this.audio.currentTime, this.duration);
    const { at, since } = this.silent;
    const now = since === null ? at : at + ((performance.now() - since) / 1000) * this.rate;
    if (since !== null && now >= this.duration) this.silent = { at: this.duration, since: null };
    return Math.min(now, this.duration);
  }

  play() {
    if (this.time >= this.duration - 0.05) this.seek(0);
    if (this.sounding) {
      this.graph?.context.resume();
      this.audio.play().catch(() => this.changed());
    } else {
      this.silent = { at: this.time, since: performance.now() };
    }
    this.changed();
  }

  pause() {
    if (this.sounding) this.audio.pause();
    this.silent = { at: this.time, since: null };
    this.changed();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  seek(seconds) {
    const to = Math.min(Math.max(seconds, 0), this.duration);
    if (this.sounding) this.audio.currentTime = to;
    else this.silent = { at: to, since: this.silent.since === null ? null : performance.now() };
    this.changed();
  }

  setRate(rate) {
    this.silent = { at: this.time, since: this.silent.since === null ? null : performance.now() };
    this.rate = rate;
    this.audio.playbackRate = rate;
  }

  // Which side is heard: both as they are recorded, left the assistant and right the user, or one of them on both ears.
  hear(channel) {
    this.channel = channel;
    if (channel === "both" && !this.graph) return;
    if (!this.graph) {
      const context = new AudioContext();
      const source = context.createMediaElementSource(this.audio);
      this.graph = { context, source, splitter: context.createChannelSplitter(2) };
    }
    const { context, source, splitter } = this.graph;
    source.disconnect();
    splitter.disconnect();
    if (channel === "both") {
      source.connect(context.destination);
    } else {
      const mono = context.createGain();
      mono.channelCount = 1;
      mono.channelCountMode = "explicit";
      source.connect(splitter);
      splitter.connect(mono, channel === "assistant" ? 0 : 1);
      mono.connect(context.destination);
    }
    context.resume();
  }
}
