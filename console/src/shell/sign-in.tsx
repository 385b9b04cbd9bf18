import type { FormEvent, ReactNode } from "react";
import { credential } from "../credential.js";
import { Mark } from "./mark.js";

interface SignInProps {
  /** Why the last token, or none, was not enough. */
  readonly reason: string;
  readonly enter: () => void;
}

/** Asks for a token, where the server demands one. */
export function SignIn({ reason, enter }: SignInProps): ReactNode {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const token = String(new FormData(event.currentTarget).get("token")).trim();
    if (!token) return;
    credential.set(token);
    enter();
  };
  return (
    <main className="sign-in">
      <form onSubmit={submit}>
        <h1>
          <Mark /> Roomcast
        </h1>
        <p role="status">{reason}</p>
        <label htmlFor="token">Token</label>
        <textarea
          id="token"
          name="token"
          className="input input-code"
          rows={4}
          required
          autoComplete="off"
          spellCheck={false}
          autoFocus
        />
        <p className="faint">
          Of a user with the role <code>auditor</code> or <code>admin</code>. It is kept until this tab is closed, and
          sent to this server alone.
        </p>
        <button type="submit" className="button button-main">
          Sign in
        </button>
      </form>
    </main>
  );
}
