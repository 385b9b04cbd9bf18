import type { ReactNode } from "react";
import type { RoomLine, RoomPage as Found } from "../api.js";
import { useFollowers } from "../data/connections.js";
import { usePolled } from "../data/polled.js";
import { Link } from "../route/link.js";
import { addressOf } from "../route/route.js";
import { Page } from "../ui/page.js";
import { Answered, Empty } from "../ui/state.js";
import { Cell, NameCell, NumberCell, Row, Table } from "../ui/table.js";

const EVERY_MS = 10_000;
/** More rooms are opened by their names. */
const LIMIT = 200;

/** The rooms that are declared, and what each may and does. */
export function Rooms(): ReactNode {
  const found = usePolled(
    "rooms",
    (client, signal) => client.request<Found>("/rooms", { query: { limit: LIMIT }, signal }),
    EVERY_MS,
  );
  const followers = useFollowers();
  return (
    <Page title="Rooms" kicker="As the core’s configuration declares them">
      <Answered {...found} what="rooms">
        {({ rooms, next_page_token }) => (
          <>
            {rooms.length > 0 ? <RoomTable rooms={rooms} followers={followers} /> : <Empty title="No rooms are declared" />}
            {next_page_token && <p className="note">There are more: open them by name, with /.</p>}
          </>
        )}
      </Answered>
    </Page>
  );
}

interface RoomTableProps {
  readonly rooms: readonly RoomLine[];
  readonly followers: (topic: string) => string;
}

function RoomTable({ rooms, followers }: RoomTableProps): ReactNode {
  return (
    <Table label="Rooms" columns={["Room", "Read by", "Published to by", "Keeps", "Followed here#"]}>
      {rooms.map((room) => (
        <Row key={room.room}>
          <NameCell>
            <Link data-row to={addressOf("/rooms", room.room)}>
              {room.room}
            </Link>
          </NameCell>
          <Cell of="Read by" className="theirs">
            {listed(room.read)}
          </Cell>
          <Cell of="Published to by" className="theirs">
            {publishersOf(room)}
          </Cell>
          <Cell of="Keeps" className="faint">
            {habitsOf(room)}
          </Cell>
          <NumberCell of="Followed here">{followers(`room:${room.room}`)}</NumberCell>
        </Row>
      ))}
    </Table>
  );
}

function listed(who: readonly string[]): string {
  return who.length > 0 ? who.join(", ") : "services and administrators";
}

function publishersOf({ publish, publish_types }: RoomLine): string {
  const types = Object.entries(publish_types).map(([type, who]) => `${type}: ${listed(who)}`);
  return [listed(publish), ...types].join("; ");
}

function habitsOf({ last, presence, merge }: RoomLine): string {
  return [last && "last values", presence && "presence", merge === "last_value" && "merged"].filter(Boolean).join(", ");
}
