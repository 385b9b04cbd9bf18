import { useConnection, useRoomcast } from "@roomcast/react";
import type { ReactNode } from "react";
import { isAboutToken, useCaller } from "../caller.js";
import { useNow } from "../data/clock.js";
import { duration } from "../data/words.js";

/** Shorter losses come back before anybody has read of them. */
const SPOKEN_OF_MS = 1500;

/** Says, above every page, that what is shown may have been overtaken. */
export function Banner(): ReactNode {
  const client = useRoomcast();
  const { phase, lostAt, error } = useConnection();
  const now = useNow();
  const { signOut } = useCaller();
  if (phase === "closed") {
    return (
      <p className="banner banner-bad" role="alert">
        The connection ended: {error?.message ?? "for good"}.{" "}
        {error && isAboutToken(error) ? (
          <button type="button" className="button" onClick={signOut}>
            Sign in again
          </button>
        ) : (
          <button type="button" className="button" onClick={() => client.connect()}>
            Connect again
          </button>
        )}
      </p>
    );
  }
  if (lostAt === undefined || phase === "live" || now - lostAt < SPOKEN_OF_MS) return null;
  return (
    <p className="banner" role="status">
      {navigator.onLine ? "The server cannot be reached" : "This device is offline"}: what is shown is{" "}
      {duration(now - lostAt)} old. Coming back by itself.
    </p>
  );
}
