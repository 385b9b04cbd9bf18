import { useEffect, useRef, useState } from "react";

/** The value, the newest at most so often: for what takes long to draw and changes with every frame. */
export function usePaced<T>(value: T, everyMs: number): T {
  const [shown, show] = useState(value);
  const shownAt = useRef(-Infinity);
  useEffect(() => {
    const next = () => {
      shownAt.current = performance.now();
      show(value);
    };
    const timer = setTimeout(next, shownAt.current + everyMs - performance.now());
    return () => clearTimeout(timer);
  }, [value, everyMs]);
  return shown;
}
