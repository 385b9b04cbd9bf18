import { useEffect, type ReactNode } from "react";

interface PageProps {
  readonly title: string;
  /** What the page is about, where its title is a kind of thing. */
  readonly kicker?: ReactNode;
  /** Beside the title. */
  readonly aside?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** A page's head and body; its title is the tab's as well. */
export function Page({ title, kicker, aside, actions, children }: PageProps): ReactNode {
  useEffect(() => {
    document.title = `${title} · Roomcast`;
  }, [title]);
  return (
    <>
      <header className="page-head">
        <div className="page-title">
          {kicker && <p className="kicker">{kicker}</p>}
          <div className="page-title-row">
            <h1 tabIndex={-1}>{title}</h1>
            {aside}
          </div>
        </div>
        {actions && <div className="page-actions">{actions}</div>}
      </header>
      {children}
    </>
  );
}
