import { RoomcastClient, type RoomcastOptions } from "@roomcast/client";
import { createContext, createElement, useContext, useInsertionEffect, useRef, useState, type ReactNode } from "react";

const Context = createContext<RoomcastClient | undefined>(undefined);

/** A client of the application's own, or how to make one: read once but for `getToken`. */
export type RoomcastProviderProps = { readonly children?: ReactNode } & (
  | { readonly client: RoomcastClient; readonly getToken?: undefined }
  | ({ readonly client?: undefined } & RoomcastOptions)
);

/**
 * Gives all below it one client. It needs no closing: it is connected while a component looks at
 * something.
 */
export function RoomcastProvider({ children, ...props }: RoomcastProviderProps): ReactNode {
  const { client, getToken } = props;
  // A page gives another function with every render, and the first, or none, may know of no later token.
  const newest = useRef(getToken);
  // Before the effects of all below: they may connect because there is a token.
  useInsertionEffect(() => {
    newest.current = getToken;
  });
  const [made] = useState(
    () => client ?? new RoomcastClient({ ...props, getToken: () => newest.current?.() }),
  );
  return createElement(Context.Provider, { value: client ?? made }, children);
}

/** The client. @throws where no provider stands above */
export function useRoomcast(): RoomcastClient {
  const client = useContext(Context);
  if (!client) throw new Error("a RoomcastProvider must stand above whoever uses Roomcast");
  return client;
}
