// The first page: a list of the caller's jobs and one of them live, over Socket.IO. What the edge says
// reaches the page as text nodes only.

import { Credential } from '/page/credential.js';
import { JobList } from '/page/list.js';
import { JobView } from '/page/job.js';

const RETRY_REFUSED_MS = 2000;
const TOKEN_CODES = ['unauthenticated', 'token_invalid', 'token_expired'];

const credential = new Credential();
const connection = document.getElementById('connection');
const notice = document.getElementById('notice');

function tell(state, text) {
  connection.dataset.state = state;
  connection.querySelector('.text').textContent = text;
}

function warn(text) {
  notice.textContent = text;
  notice.hidden = !text;
}

function start() {
  if (typeof io !== 'function') {
    tell('failed', 'not live');
    warn('This edge was built without Socket.IO’s browser client: run `make setup` and build again.');
    return;
  }
  // A function: each reconnect shows the token of that moment.
  const socket = io({ auth: (answer) => answer(credential.handshake()) });
  const list = new JobList(socket);
  const view = new JobView(socket, credential, warn);

  socket.on('connect', () => {
    tell('connected', 'live');
    warn('');
    credential.accepted();
    list.join();
    view.join();
  });
  socket.on('disconnect', (reason) => {
    tell('connecting', 'reconnecting');
    // The library comes back by itself unless the edge ended the socket.
    if (reason === 'io server disconnect') setTimeout(() => socket.connect(), RETRY_REFUSED_MS);
  });
  socket.on('connect_error', (error) => {
    const code = error.message.split(':')[0];
    if (TOKEN_CODES.includes(code)) {
      tell('refused', 'not let in');
      credential.ask(code === 'unauthenticated' ? '' : error.message, warn, () => socket.connect());
    } else {
      tell('connecting', 'reconnecting');
      if (!socket.active) setTimeout(() => socket.connect(), RETRY_REFUSED_MS);
    }
  });
  socket.on('error', (error) => warn(error.message));
  socket.on('job_status', (status) => list.status(status));
  socket.on('job_update', (update) => view.update(update));
  socket.on('job_output', (output) => view.wrote(output));
  socket.on('token_usage', (usage) => view.used(usage));
  socket.on('reset', (reset) => {
    list.reset(reset);
    view.reset(reset);
  });

  const follow = () => {
    const id = new URLSearchParams(location.hash.slice(1)).get('job') ?? '';
    list.select(id);
    view.show(id);
  };
  addEventListener('hashchange', follow);
  follow();
}

start();
