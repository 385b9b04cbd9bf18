// Builds the package of the current folder twice, with the types of each: dist/esm for `import`,
// dist/cjs for `require`. No bundler: applications have their own.
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";

rmSync("dist", { recursive: true, force: true });
for (const [format, module] of [["esm", "NodeNext"], ["cjs", "CommonJS"]]) {
  const out = `dist/${format}`;
  const resolution = format === "esm" ? "NodeNext" : "Bundler";
  const flags = ["--outDir", out, "--module", module, "--moduleResolution", resolution];
  if (format === "cjs") flags.push("--verbatimModuleSyntax", "false");
  execFileSync("tsc", ["--project", ".", ...flags], { stdio: "inherit" });
  const type = format === "esm" ? "module" : "commonjs";
  writeFileSync(`${out}/package.json`, `${JSON.stringify({ type })}\n`);
}
