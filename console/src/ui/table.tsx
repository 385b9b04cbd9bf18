import type { ReactNode } from "react";

interface TableProps {
  readonly label: string;
  /** Titles; those of figures end with `#`. */
  readonly columns: readonly string[];
  readonly children: ReactNode;
}

/**
 * Rows of cells. Where there is no room for columns each row is a card, and each cell says what it is of; the
 * roles are written out, for browsers forget them with the layout.
 */
export function Table({ label, columns, children }: TableProps): ReactNode {
  return (
    <div className="table-box" role="group" aria-label={label} tabIndex={0}>
      <table className="table" role="table">
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <th key={column} scope="col" role="columnheader" className={column.endsWith("#") ? "number" : undefined}>
                {column.replace("#", "")}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">{children}</tbody>
      </table>
    </div>
  );
}

export function Row({ children }: { readonly children: ReactNode }): ReactNode {
  return <tr role="row">{children}</tr>;
}

interface CellProps {
  /** The column's title, where a card needs to say it. */
  readonly of?: string;
  readonly className?: string | undefined;
  readonly children?: ReactNode;
}

export function Cell({ of, className, children }: CellProps): ReactNode {
  return (
    <td role="cell" className={className} data-of={of}>
      {children}
    </td>
  );
}

/** What the row is about. */
export function NameCell({ children }: Pick<CellProps, "children">): ReactNode {
  return (
    <th scope="row" role="rowheader">
      {children}
    </th>
  );
}

/** A figure, to be compared with those above and below. */
export function NumberCell({ of, children }: CellProps): ReactNode {
  return (
    <Cell of={of ?? ""} className="number">
      {children}
    </Cell>
  );
}
