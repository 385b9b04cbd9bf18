import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.js";
import { applyTheme } from "./shell/theme.js";
import "./style/tokens.css";
import "./style/base.css";
import "./style/shell.css";
import "./style/fields.css";
import "./style/panels.css";
import "./style/tables.css";
import "./style/states.css";
import "./style/bars.css";
import "./style/events.css";
import "./style/pages.css";

applyTheme();
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
