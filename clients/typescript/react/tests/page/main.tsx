import { hydrateRoot } from "react-dom/client";
import { App, type Given } from "./app.js";

const root = document.getElementById("root");
if (root) hydrateRoot(root, <App {...(globalThis as never as { given: Given }).given} />);
