// Sound in and out of the browser: 24 kHz frames of 80 ms on our side, whatever rate the device has on the other.

const RATE = 24000;
const FRAME = 1920;

// Runs in the audio thread. Both worklets resample with a windowed sinc where the device's rate is another one.
const WORKLETS = `
const HALF = 16;
class Resampler {
  constructor(from, to) {
    this.step = from / to;
    this.cut = Math.min(1, to / from);
    this.kept = new Float32Array(2 * HALF);
    this.at = HALF;
  }
  take(input) {
    if (this.step === 1) return input;
    const all = new Float32Array(this.kept.length + input.length);
    all.set(this.kept);
    all.set(input, this.kept.length);
    const found = [];
    while (this.at + HALF < all.length) {
      const middle = Math.floor(this.at), off = this.at - middle;
      let sum = 0, weight = 0;
      for (let n = 1 - HALF; n <= HALF; n++) {
        const x = n - off, turn = Math.PI * x * this.cut;
        const w = (Math.abs(turn) < 1e-9 ? 1 : Math.sin(turn) / turn) * (0.5 + 0.5 * Math.cos(Math.PI * x / (HALF + 1)));
        sum += w * all[middle + n];
        weight += w;
      }
      found.push(sum / weight);
      this.at += this.step;
    }
    const from = Math.max(0, Math.floor(this.at) - HALF);
    this.kept = all.slice(from);
    this.at -= from;
    return Float32Array.from(found);
  }
}
class Ear extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate, ${RATE});
    this.frame = new Float32Array(${FRAME});
    this.filled = 0;
  }
  process(inputs) {
    const channels = inputs[0];
    const input = channels.length ? channels[0] : new Float32Array(128);
    const sound = this.resampler.take(input);
    for (let n = 0; n < sound.length; n++) {
      this.frame[this.filled++] = sound[n];
      if (this.filled === ${FRAME}) {
        this.port.postMessage(this.frame);
        this.frame = new Float32Array(${FRAME});
        this.filled = 0;
      }
    }
    return true;
  }
}
class Mouth extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(${RATE}, sampleRate);
    this.waiting = [];
    this.count = 0;
    this.used = 0;
    this.begun = false;
    this.port.onmessage = (event) => {
      const sound = this.resampler.take(event.data);
      this.waiting.push(sound);
      this.count += sound.length;
      // A device whose clock is slow, or a stall, would let the delay grow: the oldest sound goes.
      while (this.count > 0.8 * sampleRate && this.waiting.length > 2) this.drop();
    };
  }
  drop() {
    this.count -= this.waiting.shift().length - this.used;
    this.used = 0;
  }
  process(inputs, outputs) {
    const channels = outputs[0], out = channels[0];
    if (!this.begun && this.count >= 0.12 * sampleRate) this.begun = true;
    for (let n = 0; n < out.length; n++) {
      if (!this.begun || !this.waiting.length) {
        this.begun = false;
        break;
      }
      out[n] = this.waiting[0][this.used++];
      this.count--;
      if (this.used === this.waiting[0].length) {
        this.waiting.shift();
        this.used = 0;
      }
    }
    for (let c = 1; c < channels.length; c++) channels[c].set(out);
    return true;
  }
}
registerProcessor("ear", Ear);
registerProcessor("mouth", Mouth);
`;

class SoundDevice {
  // `heard` gets each frame of the microphone, f32.
  constructor(heard) {
    this.heard = heard;
    this.muted = false;
  }

  async open() {
    if (!navigator.mediaDevices?.getUserMedia) throw new Error("The browser gives the microphone only on https or on this machine itself (localhost).");
    this.stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 } });
    try {
      this.context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
      this.source = this.context.createMediaStreamSource(this.stream);
    } catch {
      // Some browsers join only a context and a microphone of one rate.
      this.context?.close();
      this.context = new AudioContext({ latencyHint: "interactive" });
      this.source = this.context.createMediaStreamSource(this.stream);
    }
    const code = URL.createObjectURL(new Blob([WORKLETS], { type: "text/javascript" }));
    try {
      await this.context.audioWorklet.addModule(code);
    } finally {
      URL.revokeObjectURL(code);
    }
    this.ear = new AudioWorkletNode(this.context, "ear", { numberOfInputs: 1, numberOfOutputs: 1 });
    this.mouth = new AudioWorkletNode(this.context, "mouth", { numberOfInputs: 0, numberOfOutputs: 1, outputChannelCount: [2] });
    this.ear.port.onmessage = (event) => this.heard(this.muted ? new Float32Array(FRAME) : event.data);
    this.source.connect(this.ear);
    // A node that leads nowhere is not run; the ear gives silence.
    this.ear.connect(this.context.destination);
    this.mouth.connect(this.context.destination);
    await this.context.resume();
  }

  play(sound) {
    this.mouth?.port.postMessage(sound);
  }

  close() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    if (this.ear) this.ear.port.onmessage = null;
    if (this.context && this.context.state !== "closed") this.context.close();
  }
}

function toInt16(sound) {
  return Int16Array.from(sound, (x) => Math.max(-32768, Math.min(32767, Math.round(x * 32768))));
}

function toFloat(samples) {
  return Float32Array.from(samples, (x) => x / 32768);
}

function loudness(sound) {
  let sum = 0;
  for (const x of sound) sum += x * x;
  return Math.sqrt(sum / Math.max(sound.length, 1));
}

// A WAV file of two channels, int16 each: the assistant left, the user right.
function wavOf(assistant, user) {
  const frames = Math.max(assistant.length, user.length);
  const head = new DataView(new ArrayBuffer(44));
  const text = (at, name) => [...name].forEach((c, n) => head.setUint8(at + n, c.charCodeAt(0)));
  const bytes = frames * FRAME * 4;
  text(0, "RIFF");
  head.setUint32(4, 36 + bytes, true);
  text(8, "WAVEfmt ");
  head.setUint32(16, 16, true);
  head.setUint16(20, 1, true);
  head.setUint16(22, 2, true);
  head.setUint32(24, RATE, true);
  head.setUint32(28, RATE * 4, true);
  head.setUint16(32, 4, true);
  head.setUint16(34, 16, true);
  text(36, "data");
  head.setUint32(40, bytes, true);
  const none = new Int16Array(FRAME);
  const parts = [head.buffer];
  for (let n = 0; n < frames; n++) {
    const both = new Int16Array(2 * FRAME), left = assistant[n] ?? none, right = user[n] ?? none;
    for (let k = 0; k < FRAME; k++) {
      both[2 * k] = left[k];
      both[2 * k + 1] = right[k];
    }
    parts.push(both);
  }
  return new Blob(parts, { type: "audio/wav" });
}
