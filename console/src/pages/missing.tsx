import type { ReactNode } from "react";
import { Link } from "../route/link.js";
import { addressOf } from "../route/route.js";
import { Page } from "../ui/page.js";
import { Empty } from "../ui/state.js";

export function Missing(): ReactNode {
  return (
    <Page title="No such page">
      <Empty title="The console has nothing here">
        <Link to={addressOf("/")}>To the overview</Link>
      </Empty>
    </Page>
  );
}
