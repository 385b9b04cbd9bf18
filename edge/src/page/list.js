// The caller's jobs: those under way first, then the newest.

const ROWS_MAX = 200;
const ACTIVE = ['queued', 'running'];

export class JobList {
  #socket;
  #jobs = new Map();
  #rows = new Map();
  #cursor = '';
  #topic = '';
  #selected = '';
  #is_due = false;
  #list = document.getElementById('jobs');
  #empty = document.getElementById('no-jobs');

  constructor(socket) {
    this.#socket = socket;
  }

  /** Goes on from the last line seen, or from a snapshot. */
  join() {
    const since = this.#cursor ? { since: this.#cursor } : {};
    // Not awaited: the lines of the snapshot may follow in the same breath, and must find the list clear.
    this.#socket.emit('subscribe_jobs', since, (answer) => {
      if (!answer.ok) return;
      this.#topic = answer.topic;
      if (!answer.resumed) {
        this.#jobs.clear();
        this.#cursor = answer.cursor;
      }
      this.#draw();
    });
  }

  status(status) {
    // A job's own topic tells its status too, when it is joined.
    if (status.topic?.startsWith('job:')) return;
    this.#jobs.set(status.job_id, status);
    this.#cursor = status.cursor;
    this.#draw();
  }

  reset(reset) {
    if (reset.topic !== this.#topic) return;
    this.#jobs.clear();
    this.#cursor = reset.cursor;
  }

  select(id) {
    this.#selected = id;
    this.#draw();
  }

  // Once a frame, however many lines came.
  #draw() {
    if (this.#is_due) return;
    this.#is_due = true;
    requestAnimationFrame(() => {
      this.#is_due = false;
      const order = [...this.#jobs.values()].sort(first).slice(0, ROWS_MAX);
      const rows = order.map((job) => this.#row(job));
      for (const id of this.#rows.keys()) if (!this.#jobs.has(id)) this.#rows.delete(id);
      // Rows that stay where they are keep the focus.
      rows.forEach((row, index) => {
        if (this.#list.children[index] !== row) this.#list.insertBefore(row, this.#list.children[index] ?? null);
      });
      while (this.#list.children.length > rows.length) this.#list.lastChild.remove();
      this.#empty.hidden = rows.length > 0 || !this.#topic;
    });
  }

  #row(job) {
    const row = this.#rows.get(job.job_id) ?? create(job.job_id);
    this.#rows.set(job.job_id, row);
    const link = row.firstChild;
    const [kind, status, progress, said] = link.children;
    set(kind, job.kind);
    set(status, job.cancel_requested && job.status === 'running' ? 'cancelling' : job.status);
    status.dataset.status = job.status;
    progress.value = job.progress;
    progress.hidden = job.status !== 'running';
    set(said, [job.stage, job.error ?? job.message].filter(Boolean).join(' · '));
    if (job.job_id === this.#selected) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
    return row;
  }
}

function first(a, b) {
  const active = ACTIVE.includes(b.status) - ACTIVE.includes(a.status);
  return active || (b.created_at ?? '').localeCompare(a.created_at ?? '');
}

function create(id) {
  const row = document.createElement('li');
  const link = document.createElement('a');
  link.href = `#job=${encodeURIComponent(id)}`;
  const progress = document.createElement('progress');
  progress.max = 100;
  progress.ariaLabel = 'Progress';
  link.append(span('kind'), span('status'), progress, span('said'));
  row.append(link);
  return row;
}

function span(name) {
  const element = document.createElement('span');
  element.className = name;
  return element;
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
