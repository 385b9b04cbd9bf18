import type { ReactNode } from "react";
import { Link } from "../route/link.js";

interface TabsProps<T extends string> {
  readonly label: string;
  readonly tabs: readonly (readonly [title: string, value: T | undefined])[];
  readonly chosen: T | undefined;
  readonly addressOf: (value: T | undefined) => string;
}

/** Views of one list, each with an address. */
export function Tabs<T extends string>({ label, tabs, chosen, addressOf }: TabsProps<T>): ReactNode {
  return (
    <nav className="tabs" aria-label={label}>
      {tabs.map(([title, value]) => (
        <Link key={title} to={addressOf(value)} aria-current={value === chosen ? "page" : undefined}>
          {title}
        </Link>
      ))}
    </nav>
  );
}
