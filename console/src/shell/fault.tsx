import { Component, type ReactNode } from "react";

/** A page that cannot be drawn takes the others with it no further. */
export class Fault extends Component<{ readonly children: ReactNode }, { readonly error?: Error }> {
  override readonly state: { readonly error?: Error } = {};

  static getDerivedStateFromError(error: Error): { readonly error: Error } {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <div className="state state-failed" role="alert">
        <h1 tabIndex={-1}>This page broke</h1>
        <p className="state-hint">{error.message}</p>
        <button type="button" className="button" onClick={() => location.reload()}>
          Load it again
        </button>
      </div>
    );
  }
}
