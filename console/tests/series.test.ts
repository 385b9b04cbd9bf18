import { expect, test } from "vitest";
import { figuresOf } from "../src/data/figures.js";
import { gauge, rate } from "../src/data/series.js";
import { matches, searchOf } from "../src/data/search.js";
import { grpcurl } from "../src/data/grpcurl.js";
import { duration, size } from "../src/data/words.js";

const seen = (at: number, text: string) => figuresOf(text, at);

test("figures are summed over their labels, and comments are none", () => {
  const { sums, series } = seen(1, '# TYPE a counter\na{x="1"} 2\na{x="2"} 3\n\nb 4.5\nbroken\n');
  expect([...sums]).toEqual([
    ["a", 5],
    ["b", 4.5],
  ]);
  expect(series.get('a{x="2"}')).toBe(3);
});

test("a rate is what was counted between two looks; a restart and a hole are no rate", () => {
  const looks = [
    seen(0, "a 10"),
    seen(2000, "a 30"),
    seen(4000, "a 5"),
    undefined,
    seen(8000, "a 9"),
    seen(10_000, "a 11"),
  ];
  expect(rate(looks, "a").map(({ value }) => value)).toEqual([10, undefined, undefined, undefined, 1]);
  expect(gauge(looks, "a").map(({ value }) => value)).toEqual([10, 30, 5, undefined, 9, 11]);
});

test("a search is conditions for the server and words for the page", () => {
  expect(searchOf("kind:render  Frames owner:ana x:y", { kind: "kind", owner: "owner" })).toEqual({
    query: { kind: "render", owner: "ana" },
    words: ["frames", "x:y"],
  });
  expect(matches(["frames", "two"], ["Two", undefined, "all FRAMES"])).toBe(true);
  expect(matches(["three"], ["Two"])).toBe(false);
});

test("a call is quoted for any shell", () => {
  expect(grpcurl("JobService/WatchJob", { job_id: "it's $(7)" })).toBe(
    `grpcurl -plaintext -d '{"job_id":"it'\\''s $(7)"}' 127.0.0.1:50051 roomcast.v1.JobService/WatchJob`,
  );
});

test.each([
  [40, "40 ms"],
  [3200, "3.2 s"],
  [45_000, "45 s"],
  [12 * 60_000, "12 min"],
  [250 * 60_000, "4 h 10 min"],
  [6 * 24 * 3_600_000, "6 d"],
])("%d ms are %s", (milliseconds, text) => expect(duration(milliseconds)).toBe(text));

test.each([
  [0, "0 B"],
  [1536, "1.5 KB"],
  [300 * 1024 * 1024, "300 MB"],
])("%d bytes are %s", (bytes, text) => expect(size(bytes)).toBe(text));
