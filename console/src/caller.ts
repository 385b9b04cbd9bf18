import type { RoomcastError } from "@roomcast/client";
import { createContext, useContext } from "react";
import type { Caller } from "./api.js";

/** Whom the server takes this console's user for. */
export interface Standing {
  readonly caller: Caller;
  /** Whether what changes something is shown. The server decides it again. */
  readonly isOperator: boolean;
  readonly signOut: () => void;
}

const Context = createContext<Standing | undefined>(undefined);
export const CallerProvider = Context.Provider;

/** @throws before somebody is known */
export function useCaller(): Standing {
  const standing = useContext(Context);
  if (!standing) throw new Error("nobody is known yet");
  return standing;
}

const TOKEN_CODES: ReadonlySet<string> = new Set([
  "unauthenticated",
  "token_invalid",
  "token_expired",
  "token_revoked",
  "user_unknown",
  "user_disabled",
]);

/** Whether another token would mend it. */
export function isAboutToken({ code }: RoomcastError): boolean {
  return TOKEN_CODES.has(code);
}
