import { expect, it } from "vitest";
import { createBus, createWatchers } from "./index.ts";

it("counts a server as watched until the browsers of every process have gone", () => {
  const bus = createBus((error) => {
    throw error;
  });
  const changes: [string, boolean][] = [];
  const watchers = createWatchers(bus, (serverId, on) => changes.push([serverId, on]));
  bus.emit("live.watchers", { serverId: "a", watchers: 1 });
  bus.emit("live.watchers", { serverId: "a", watchers: 2 });
  bus.receive("live.watchers", { serverId: "a", watchers: 1 }, "other");
  bus.emit("live.watchers", { serverId: "a", watchers: 0 });
  expect(watchers.watched("a")).toBe(true);
  bus.receive("live.watchers", { serverId: "a", watchers: 0 }, "other");
  bus.receive("live.watchers", { serverId: "a", watchers: 0 }, "other");
  expect(watchers.watched("a")).toBe(false);
  expect(changes).toEqual([
    ["a", true],
    ["a", false],
  ]);
});
