import { RoomcastClient, RoomcastError } from "@roomcast/client";
import { RoomcastProvider } from "@roomcast/react";
import { useCallback, useEffect, useMemo, useState, type ReactNode } from "react";
import type { Caller } from "./api.js";
import { CallerProvider, isAboutToken } from "./caller.js";
import { credential } from "./credential.js";
import { Shell } from "./shell/shell.js";
import { SignIn } from "./shell/sign-in.js";
import { Failed, Loading } from "./ui/state.js";

/** A server that is away is asked again this often. */
const AGAIN_MS = 2000;

type Entry = { readonly caller: Caller } | { readonly error: RoomcastError } | undefined;

/** Asks who the user is, and shows the console to whoever may see it. A new sign-in begins all of it anew. */
export function App(): ReactNode {
  const [turn, setTurn] = useState(0);
  const again = useCallback(() => setTurn((last) => last + 1), []);
  const client = useMemo(() => new RoomcastClient({ getToken: credential.get }), [turn]);
  const entry = useEntry(client, again);
  const signOut = useCallback(() => {
    credential.forget();
    client.close();
    again();
  }, [client, again]);

  if (!entry) return <Loading what="the console" />;
  if ("error" in entry) {
    if (isAboutToken(entry.error)) return <SignIn reason={reasonOf(entry.error)} enter={again} />;
    return <Failed error={entry.error} retry={again} />;
  }
  const { caller } = entry;
  if (caller.console === "none") {
    return (
      <SignIn
        reason={`${caller.user_id} may not look at the console: it needs the role auditor or admin.`}
        enter={again}
      />
    );
  }
  return (
    <RoomcastProvider key={turn} client={client}>
      <CallerProvider value={{ caller, isOperator: caller.console === "operator", signOut }}>
        <Shell />
      </CallerProvider>
    </RoomcastProvider>
  );
}

function useEntry(client: RoomcastClient, again: () => void): Entry {
  const [entry, setEntry] = useState<{ readonly of: RoomcastClient; readonly entry: Entry }>();
  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    client.request<Caller>("/whoami", { signal: controller.signal }).then(
      (caller) => setEntry({ of: client, entry: { caller } }),
      (error: RoomcastError) => {
        if (controller.signal.aborted) return;
        setEntry({ of: client, entry: { error } });
        if (error.retryable) timer = setTimeout(again, AGAIN_MS);
      },
    );
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [client, again]);
  if (!entry || entry.of === client) return entry?.entry;
  // A server that is away stays so on the screen until it answers.
  const isAway = entry.entry !== undefined && "error" in entry.entry && entry.entry.error.retryable;
  return isAway ? entry.entry : undefined;
}

function reasonOf({ code, message }: RoomcastError): string {
  return code === "unauthenticated" && credential.get() === undefined ? "This server asks who you are." : message;
}
