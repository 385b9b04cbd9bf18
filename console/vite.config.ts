import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Where `npm run dev` finds the edge. */
const EDGE = process.env["ROOMCAST_EDGE"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  base: "/console/",
  esbuild: { jsx: "automatic" },
  resolve: {
    // Our own client and hooks, from their source: they need no build and no install of their own.
    alias: {
      "@roomcast/client": here("../clients/typescript/client/src/index.ts"),
      "@roomcast/react": here("../clients/typescript/react/src/index.ts"),
    },
    dedupe: ["react", "react-dom", "socket.io-client"],
  },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    // `data:` is no source of fonts or styles under the policy that the edge sets.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rollupOptions: {
      onwarn: (warning, warn) => {
        // "use client" tells servers that render; here all is client.
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE" && warning.code !== "SOURCEMAP_ERROR") warn(warning);
      },
    },
  },
  server: {
    proxy: {
      "/api": EDGE,
      "/socket.io": { target: EDGE, ws: true },
    },
    fs: { allow: [here("."), here("../clients/typescript")] },
  },
});
