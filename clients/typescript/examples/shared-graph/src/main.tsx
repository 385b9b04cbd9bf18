import { RoomcastProvider } from "@roomcast/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.js";
import "./page.css";

const EDGE = "http://127.0.0.1:8000";

// Another edge or session: ?edge=http://127.0.0.1:9000&session=plan
const asked = new URLSearchParams(location.search);
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <RoomcastProvider url={asked.get("edge") ?? EDGE}>
        <App id={asked.get("session") ?? "drawing"} />
      </RoomcastProvider>
    </StrictMode>,
  );
}
