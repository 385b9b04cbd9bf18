// One job live: its state by REST, then everything after that state's cursor over the socket.

import { OutputTail } from '/page/output.js';

const FINAL = ['completed', 'failed', 'cancelled'];
const FACTS = [
  ['Job', (job) => job.job_id],
  ['Owner', (job) => job.owner],
  ['Created', (job) => time(job.created_at)],
  ['Started', (job) => time(job.started_at)],
  ['Ended', (job) => time(job.completed_at)],
  ['Starts at', (job) => time(job.run_at)],
  ['Tokens', (job) => job.usage && `${job.usage.total_tokens} (${job.usage.model ?? 'model'})`],
  ['Counters', (job) => Object.entries(job.counters ?? {}).map(([name, count]) => `${name} ${count}`).join(', ')],
];
const element = (name) => document.getElementById(`job-${name}`);

export class JobView {
  #socket;
  #credential;
  #warn;
  #id = '';
  #job = null;
  #cursor = '';
  #output;
  #is_due = false;
  #section = document.getElementById('job');

  constructor(socket, credential, warn) {
    this.#socket = socket;
    this.#credential = credential;
    this.#warn = warn;
    this.#output = new OutputTail((path) => this.#get(path));
    element('cancel').onclick = () => this.#cancel();
  }

  async show(id) {
    if (this.#id && this.#id !== id && this.#socket.connected) this.#socket.emit('leave_job', { job_id: this.#id });
    this.#id = id;
    this.#forget();
    this.#section.hidden = true;
    if (this.#socket.connected) await this.join();
  }

  /** Goes on after the last event seen; the first time, after the state that REST answers. */
  async join() {
    const id = this.#id;
    if (!id) return;
    if (!this.#cursor) {
      if (!(await this.#load(id))) return;
      // Where the list fills the screen, the job stands below it.
      element('title').focus();
    }
    if (!this.#socket.connected || id !== this.#id) return;
    this.#socket.emit('join_job', { job_id: id, since: this.#cursor }, (answer) => {
      if (id !== this.#id) return;
      if (!answer.ok) this.#warn(answer.error.message);
      else if (!answer.resumed) this.#load(id);
    });
  }

  update(update) {
    if (!this.#follows(update)) return;
    const { topic, cursor, event_id, trace_id, timestamp, ...changes } = update;
    if (changes.attempt > this.#job.attempt) {
      this.#job = { ...this.#job, message: null, stage: null, counters: {}, started_at: timestamp };
      this.#output.begin(this.#id, changes.attempt);
    }
    if (FINAL.includes(changes.status)) changes.completed_at = timestamp;
    if (changes.status === 'running' && !this.#job.started_at) changes.started_at = timestamp;
    this.#job = { ...this.#job, ...changes };
    this.#draw();
  }

  wrote(output) {
    if (this.#follows(output)) this.#output.add(output);
  }

  used(usage) {
    if (!this.#follows(usage)) return;
    this.#job.usage = usage;
    this.#draw();
  }

  /** Events were missed for good: begin anew from the state. */
  async reset(reset) {
    if (this.#job && reset.topic === `job:${this.#id}`) await this.#load(this.#id);
  }

  #follows(event) {
    if (!this.#job || event.job_id !== this.#id) return false;
    this.#cursor = event.cursor;
    return true;
  }

  #forget() {
    this.#job = null;
    this.#cursor = '';
    this.#output.begin('', 0);
  }

  async #load(id) {
    const response = await this.#get(`/api/v1/jobs/${encodeURIComponent(id)}`);
    if (id !== this.#id) return false;
    if (!response?.ok) {
      this.#warn((await response?.json().catch(() => null))?.detail ?? 'The job could not be read.');
      return false;
    }
    this.#job = await response.json();
    if (id !== this.#id) return false;
    this.#cursor = this.#job.cursor;
    this.#section.hidden = false;
    this.#draw();
    this.#output.begin(id, this.#job.attempt);
    await this.#output.load(this.#job.output_bytes);
    return true;
  }

  #get(path, options = {}) {
    return fetch(path, { ...options, headers: this.#credential.headers() }).catch(() => null);
  }

  async #cancel() {
    const path = `/api/v1/jobs/${encodeURIComponent(this.#id)}/cancel`;
    const response = await this.#get(path, { method: 'POST' });
    if (!response?.ok) this.#warn('The job could not be cancelled.');
  }

  #draw() {
    if (this.#is_due) return;
    this.#is_due = true;
    requestAnimationFrame(() => {
      this.#is_due = false;
      if (this.#job) render(this.#job);
    });
  }
}

function render(job) {
  const is_ending = job.cancel_requested && job.status === 'running';
  element('title').textContent = job.kind;
  element('status').textContent = is_ending ? 'cancelling' : job.status;
  element('status').dataset.status = job.status;
  element('stage').textContent = job.stage ?? '';
  element('attempt').textContent = job.attempt > 1 ? `attempt ${job.attempt}` : '';
  element('cancel').hidden = FINAL.includes(job.status);
  element('cancel').disabled = Boolean(is_ending);
  element('progress').value = job.progress;
  element('percent').textContent = `${Math.round(job.progress)} %`;
  element('message').textContent = job.message ?? '';
  box('error', job.error && [job.error_code, job.error].filter(Boolean).join(': '));
  box('result', job.result != null && JSON.stringify(job.result, null, 2));
  const facts = FACTS.map(([name, of]) => [name, of(job)]).filter(([, value]) => value);
  element('facts').replaceChildren(...facts.flatMap(([name, value]) => [tag('dt', name), tag('dd', value)]));
}

function box(name, text) {
  element(`${name}-box`).hidden = !text;
  element(name).textContent = text || '';
}

function tag(name, text) {
  const node = document.createElement(name);
  node.textContent = text;
  return node;
}

function time(text) {
  return text && new Date(text).toLocaleString();
}
