/** What a terminal would show of a text: its colours as classes, everything else it may say left out. */

export interface Span {
  readonly text: string;
  /** Class names, empty for plain text. */
  readonly look: string;
}

/** CSI, OSC and the two-character escapes; a colour is a CSI that ends with `m`. */
const ESCAPE = /\u001b(?:\[([0-9;:?<=>]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\^_])|\u001b[^\n]?/g;
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001a\u001c-\u001f\u007f]/g;

const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] as const;

interface Look {
  readonly colour: string;
  readonly isBold: boolean;
  readonly isDim: boolean;
}

const PLAIN: Look = { colour: "", isBold: false, isDim: false };

export function spansOf(text: string): readonly Span[] {
  const spans: Span[] = [];
  let look = PLAIN;
  let from = 0;
  const put = (piece: string) => {
    const shown = overwritten(piece).replace(CONTROL, "");
    if (shown) spans.push({ text: shown, look: classOf(look) });
  };
  for (const match of text.matchAll(ESCAPE)) {
    put(text.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] === "m") look = next(look, match[1] ?? "");
  }
  put(text.slice(from));
  return spans;
}

/** A lone carriage return begins the line again: of a bar that is drawn in place the last one is seen. */
function overwritten(piece: string): string {
  if (!piece.includes("\r")) return piece;
  return piece
    .replace(/\r+\n/g, "\n")
    .replace(/[^\n]*\r(?=[^\n])/g, "")
    .replace(/\r/g, "");
}

function next(look: Look, parameters: string): Look {
  const codes = parameters.split(/[;:]/).map(Number);
  let changed = look;
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    // 256 colours and true colours are beyond the palette: left out with their parameters.
    if (code === 38 || code === 48) at += codes[at + 1] === 2 ? 4 : 2;
    else changed = one(changed, code);
  }
  return changed;
}

function one(look: Look, code: number): Look {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...look, isBold: true };
  if (code === 2) return { ...look, isDim: true };
  if (code === 22) return { ...look, isBold: false, isDim: false };
  if (code === 39) return { ...look, colour: "" };
  const colour = COLOURS[code >= 90 && code <= 97 ? code - 90 : code - 30];
  return colour !== undefined && ((code >= 30 && code <= 37) || (code >= 90 && code <= 97))
    ? { ...look, colour }
    : look;
}

function classOf({ colour, isBold, isDim }: Look): string {
  return [colour && `ansi-${colour}`, isBold && "ansi-bold", isDim && "ansi-dim"].filter(Boolean).join(" ");
}
