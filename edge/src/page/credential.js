// The token, where the edge demands one. It stays in this tab: sessionStorage ends with it.

const KEY = 'roomcast.token';

export class Credential {
  #form = document.getElementById('token');
  #value = document.getElementById('token-value');

  /** What the socket shows at connect. */
  handshake() {
    const token = sessionStorage.getItem(KEY);
    return token ? { token } : {};
  }

  /** What a request shows. */
  headers() {
    const token = sessionStorage.getItem(KEY);
    return token ? { authorization: `Bearer ${token}` } : {};
  }

  accepted() {
    this.#form.hidden = true;
  }

  /** Asks for a token and goes on with it. */
  ask(reason, warn, proceed) {
    warn(reason);
    this.#form.hidden = false;
    this.#value.focus();
    this.#form.onsubmit = (event) => {
      event.preventDefault();
      sessionStorage.setItem(KEY, this.#value.value.trim());
      this.#value.value = '';
      proceed();
    };
  }
}
