import {
  RoomcastClient,
  session,
  type Command,
  type EventOf,
  type Job,
  type JobOutput,
  type JobStatus,
  type Phase,
  type PublishedEvent,
  type TopicEvent,
} from "@roomcast/client";
import { expectTypeOf, test } from "vitest";

// Never connects: nothing looks at anything.
const client = new RoomcastClient({ url: "http://127.0.0.1:9" });

test("states, values and events have their types", () => {
  expectTypeOf(client.job("7").get().value).toEqualTypeOf<Job | undefined>();
  expectTypeOf(client.job("7").get().phase).toEqualTypeOf<Phase>();
  expectTypeOf<Job["status"]>().toEqualTypeOf<JobStatus>();
  expectTypeOf<JobStatus>().toEqualTypeOf<
    "queued" | "running" | "completed" | "failed" | "cancelled"
  >();
  expectTypeOf(client.job("7").ended).returns.resolves.toEqualTypeOf<Job>();
});

test("an event's name tells its fields", () => {
  const read = (event: TopicEvent) => {
    if (event.name === "job_output") expectTypeOf(event.data).toExtend<JobOutput>();
    if (event.name === "graph:node-linked") expectTypeOf(event.data.parent_id).toBeString();
    if (event.name === "session:connected") expectTypeOf(event.data.connections).toBeNumber();
    expectTypeOf(event.data.cursor).toBeString();
  };
  expectTypeOf(client.job("7").on).parameter(0).parameter(0).toExtend<TopicEvent>();
  expectTypeOf(read).parameter(0).toEqualTypeOf<TopicEvent>();
});

test("a room's events have the types that the application says", () => {
  interface News {
    headline: { text: string };
    weather: { celsius: number };
  }
  const news = client.room<News>("news");
  expectTypeOf(news.get().value?.weather?.celsius).toEqualTypeOf<number | undefined>();
  expectTypeOf(news.on).parameter(0).parameter(0).toExtend<{ name: "headline" | "weather" }>();
  const read = (event: EventOf<News>) => {
    if (event.name === "headline") expectTypeOf(event.data).toExtend<{ text: string; cursor: string }>();
  };
  expectTypeOf(read).parameter(0).toEqualTypeOf<EventOf<News>>();
  expectTypeOf(news.publish<"weather">).parameter(1).toEqualTypeOf<{ celsius: number }>();

  const any = client.room("any");
  expectTypeOf(any.publish<"headline">).parameter(1).toEqualTypeOf<object>();
  expectTypeOf(any.get().value?.["headline"]?.["text"]).toBeUnknown();
  expectTypeOf(any.on).parameter(0).parameter(0).toEqualTypeOf<PublishedEvent>();
});

test("a command has the fields of its type", () => {
  expectTypeOf(session(client, "s").execute).parameter(0).toEqualTypeOf<Command>();
  expectTypeOf<{ type: "delete_node"; node_id: string }>().toExtend<Command>();
  expectTypeOf<{ type: "delete_node" }>().not.toExtend<Command>();
  expectTypeOf<{ type: "link_node"; node_id: string }>().not.toExtend<Command>();
});
