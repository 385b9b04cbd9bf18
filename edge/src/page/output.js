// The last of what a job wrote. Pieces are put together by their byte offsets: what came already is
// skipped, and what is missing is read by REST.

const TAIL_BYTES = 64 * 1024;
const TAIL_CHARACTERS = 256 * 1024;

export class OutputTail {
  #get;
  #job_id = '';
  #attempt = 0;
  #channels = new Map();
  #box = document.getElementById('job-output-box');
  #pre = document.getElementById('job-output');
  #is_due = false;
  #pending = '';

  constructor(get) {
    this.#get = get;
  }

  /** Another job, or another attempt. */
  begin(job_id, attempt) {
    this.#job_id = job_id;
    this.#attempt = attempt;
    this.#channels.clear();
    this.#pending = '';
    this.#pre.textContent = '';
    this.#box.hidden = true;
  }

  /** Reads the end of what there is, `sizes` by channel. */
  async load(sizes) {
    for (const [channel, size] of Object.entries(sizes ?? {})) {
      const from = Math.max(0, size - TAIL_BYTES);
      this.#channel(channel).next = from;
      await this.#read(channel, size);
    }
  }

  async add({ attempt, channel, offset, data, data_base64 }) {
    if (attempt !== this.#attempt) return;
    const bytes = data === undefined ? decode(data_base64) : new TextEncoder().encode(data);
    const known = this.#channel(channel);
    if (offset > known.next) await this.#read(channel, offset);
    const begin = known.next - offset;
    if (begin >= 0 && begin < bytes.length) this.#write(channel, bytes.subarray(begin));
  }

  async #read(channel, until) {
    const known = this.#channel(channel);
    // One reading at a time: whoever comes meanwhile waits for the same bytes.
    known.reading = (known.reading ?? Promise.resolve()).then(async () => {
      const { job_id, attempt } = { job_id: this.#job_id, attempt: this.#attempt };
      while (known.next < until) {
        const query = new URLSearchParams({ channel, attempt, from: known.next });
        const response = await this.#get(`/api/v1/jobs/${encodeURIComponent(job_id)}/output?${query}`);
        if (!response?.ok) return;
        const bytes = new Uint8Array(await response.arrayBuffer());
        if (!bytes.length || this.#channels.get(channel) !== known) return;
        this.#write(channel, bytes);
      }
    });
    await known.reading;
  }

  #channel(name) {
    if (!this.#channels.has(name)) this.#channels.set(name, { next: 0, decoder: new TextDecoder() });
    return this.#channels.get(name);
  }

  #write(channel, bytes) {
    const known = this.#channel(channel);
    known.next += bytes.length;
    this.#pending += known.decoder.decode(bytes, { stream: true });
    if (this.#is_due) return;
    this.#is_due = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#is_due = false;
    if (!this.#pending) return;
    this.#box.hidden = false;
    const pre = this.#pre;
    const is_at_end = pre.scrollHeight - pre.scrollTop - pre.clientHeight < 8;
    const text = (pre.textContent + this.#pending).slice(-TAIL_CHARACTERS);
    this.#pending = '';
    pre.textContent = text;
    // Whoever scrolled up is reading.
    if (is_at_end) pre.scrollTop = pre.scrollHeight;
  }
}

function decode(base64) {
  return Uint8Array.from(atob(base64 ?? ''), (character) => character.charCodeAt(0));
}
