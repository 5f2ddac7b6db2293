// ways_node.mjs WAY: a Node program that takes the way by loading an addon, while a worker thread computes; then the
// worker calls.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker } from "node:worker_threads";

const require = createRequire(import.meta.url);

if (isMainThread) {
  const worker = new Worker(fileURLToPath(import.meta.url));
  await new Promise((resolve) => worker.once("message", resolve));
  require("./build/ways.node");
  const told = new Promise((resolve) => worker.once("message", resolve));
  worker.postMessage("ask");
  const text = await told;
  console.log(`the worker\n${text}`);
  await worker.terminate();
} else {
  let end = false;
  parentPort.once("message", () => {
    end = true;
    parentPort.postMessage(require("./build/ask.node").answers());
  });
  const compute = () => {
    JSON.parse(JSON.stringify(Array.from({ length: 1000 }, (_, i) => ({ i }))));
    if (!end) setImmediate(compute);
  };
  parentPort.postMessage("running");
  compute();
}
