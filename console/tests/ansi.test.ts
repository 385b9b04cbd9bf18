import { expect, test } from "vitest";
import { spansOf } from "../src/data/ansi.js";

const plain = (text: string) =>
  spansOf(text)
    .map((span) => span.text)
    .join("");

test.each([
  ["a plain text is itself", "one\ntwo\n", "one\ntwo\n"],
  ["colours leave no trace in the text", "\u001b[1;31mred\u001b[0m plain", "red plain"],
  ["moves, titles and lone escapes are left out", "\u001b[2J\u001b]0;title\u0007a\u001b[3Ab\u001b", "ab"],
  ["a line that is drawn again is seen as it was drawn last", "10 %\r20 %\r30 %\nnext", "30 %\nnext"],
  ["a Windows line end is a line end", "one\r\ntwo\r\n", "one\ntwo\n"],
  ["control characters are left out", "a\u0000b\u0008c\u007f", "abc"],
])("%s", (_, written, shown) => {
  expect(plain(written)).toBe(shown);
});

test("a colour holds until it is taken back", () => {
  expect(spansOf("a\u001b[32mb\u001b[1mc\u001b[22;39md\u001b[38;5;200me\u001b[96mf")).toEqual([
    { text: "a", look: "" },
    { text: "b", look: "ansi-green" },
    { text: "c", look: "ansi-green ansi-bold" },
    { text: "d", look: "" },
    { text: "e", look: "" },
    { text: "f", look: "ansi-cyan" },
  ]);
});
