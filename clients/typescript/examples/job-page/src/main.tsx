import { RoomcastProvider } from "@roomcast/react";
import "@roomcast/react/style.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.js";
import "./page.css";

const EDGE = "http://127.0.0.1:8000";

// Another edge: ?edge=http://127.0.0.1:9000
const edge = new URLSearchParams(location.search).get("edge") ?? EDGE;
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <RoomcastProvider url={edge}>
        <App />
      </RoomcastProvider>
    </StrictMode>,
  );
}
