// A Node program that calls the driver through an addon: in the main thread, in worker threads that
// end before it, and in a child process.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker } from "node:worker_threads";

const { answers } = createRequire(import.meta.url)("./build/ask.node");
const self = fileURLToPath(import.meta.url);
const WORKERS = 4;

function inWorker() {
  return new Promise((resolve, reject) => {
    const worker = new Worker(self);
    worker.on("message", resolve);
    worker.on("error", reject);
  });
}

async function main() {
  if (process.argv[2] === "child") {
    process.stdout.write(answers());
    return;
  }
  const expected = answers();
  const told = await Promise.all(Array.from({ length: WORKERS }, inWorker));
  const child = spawnSync(process.execPath, [self, "child"], { encoding: "utf8" });
  process.stdout.write(expected);
  console.log(`${told.filter((text) => text === expected).length} of ${WORKERS} workers agree`);
  console.log(`the child agrees: ${child.stdout === expected}`);
}

if (isMainThread) {
  try {
    await main();
  } catch (error) {
    console.log(`no driver: ${error.message}`);
    process.exitCode = 1;
  }
} else {
  parentPort.postMessage(answers());
}
