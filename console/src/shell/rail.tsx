import { useConnection } from "@roomcast/react";
import type { ReactNode } from "react";
import { useState } from "react";
import { useCaller } from "../caller.js";
import { credential } from "../credential.js";
import { Link } from "../route/link.js";
import { PLACES } from "../route/pages.js";
import { addressOf, segmentsOf, usePath } from "../route/route.js";
import { PhaseMark } from "../ui/status.js";
import { Mark } from "./mark.js";
import { useTheme } from "./theme.js";

interface RailProps {
  readonly search: () => void;
}

/** Where one can go, who one is, and where the connection stands. */
export function Rail({ search }: RailProps): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const [page = ""] = segmentsOf(usePath());
  return (
    <header className="rail" data-open={isOpen || undefined}>
      <div className="rail-top">
        <Link to={addressOf("/")} className="brand" onClick={() => setOpen(false)}>
          <Mark /> Roomcast
        </Link>
        <button
          type="button"
          className="button rail-menu"
          aria-expanded={isOpen}
          aria-controls="places"
          onClick={() => setOpen(!isOpen)}
        >
          Menu
        </button>
      </div>
      <div className="rail-body" id="places">
        <button type="button" className="rail-search" onClick={search}>
          Go to… <kbd>/</kbd>
        </button>
        <nav aria-label="Pages">
          <ul>
            {PLACES.map((place) => (
              <li key={place.page}>
                <Link
                  to={addressOf(place.page)}
                  aria-current={place.page === `/${page}` ? "page" : undefined}
                  onClick={() => setOpen(false)}
                >
                  {place.title}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
        <RailFoot />
      </div>
    </header>
  );
}

const THEMES = { system: "System theme", light: "Light theme", dark: "Dark theme" } as const;

function RailFoot(): ReactNode {
  const { caller, isOperator, signOut } = useCaller();
  const connection = useConnection();
  const [theme, turn] = useTheme();
  return (
    <div className="rail-foot">
      <p className="rail-who">
        <PhaseMark phase={connection.phase} />
        <span>
          <strong>{caller.user_id}</strong>
          {caller.tenant !== "default" && ` · ${caller.tenant}`}
        </span>
        <span className="faint">{isOperator ? "Operator" : "Read-only"}</span>
      </p>
      <div className="rail-buttons">
        <button type="button" className="button button-quiet" onClick={turn}>
          {THEMES[theme]}
        </button>
        {credential.get() !== undefined && (
          <button type="button" className="button button-quiet" onClick={signOut}>
            Sign out
          </button>
        )}
      </div>
      <p className="faint">{caller.development ? `Development · ${caller.version}` : caller.version}</p>
    </div>
  );
}
