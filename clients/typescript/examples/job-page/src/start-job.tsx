import { RoomcastError } from "@roomcast/client";
import { useRoomcast } from "@roomcast/react";
import { useState, type FormEvent, type ReactNode } from "react";

/** Creates a job of a kind. A worker that knows the kind takes it. */
export function StartJob(): ReactNode {
  const client = useRoomcast();
  const [problem, setProblem] = useState("");
  const start = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const kind = String(new FormData(event.currentTarget).get("kind"));
    try {
      const { job_id } = await client.createJob({ kind });
      location.hash = encodeURIComponent(job_id);
      setProblem("");
    } catch (error) {
      setProblem(error instanceof RoomcastError ? error.message : String(error));
    }
  };
  return (
    <form onSubmit={(event) => void start(event)}>
      <label>
        Kind <input name="kind" defaultValue="demo" required />
      </label>
      <button>Start</button>
      {problem && <p role="alert">{problem}</p>}
    </form>
  );
}
