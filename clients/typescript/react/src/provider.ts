import { RoomcastClient, type RoomcastOptions } from "@roomcast/client";
import { createContext, createElement, useContext, useState, type ReactNode } from "react";

const Context = createContext<RoomcastClient | undefined>(undefined);

/** A client of the application's own, or how to make one. Read once. */
export type RoomcastProviderProps = { readonly children?: ReactNode } & (
  | { readonly client: RoomcastClient }
  | ({ readonly client?: undefined } & RoomcastOptions)
);

/**
 * Gives all below it one client. It needs no closing: it is connected while a component looks at
 * something.
 */
export function RoomcastProvider({ children, ...props }: RoomcastProviderProps): ReactNode {
  const [client] = useState(() => props.client ?? new RoomcastClient(props));
  return createElement(Context.Provider, { value: client }, children);
}

/** The client. @throws where no provider stands above */
export function useRoomcast(): RoomcastClient {
  const client = useContext(Context);
  if (!client) throw new Error("a RoomcastProvider must stand above whoever uses Roomcast");
  return client;
}
