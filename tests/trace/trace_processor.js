// The trace processor of Perfetto's UI, WebAssembly for a worker of a browser, behind a Unix socket: bytes of its RPC
// protocol go in, its replies come back.
//     node trace_processor.js FOLDER SOCKET     FOLDER has engine_bundle.node.js and trace_processor.wasm
const fs = require("fs");
const net = require("net");
const path = require("path");
const vm = require("vm");

const [folder, socket] = process.argv.slice(2);

class XMLHttpRequest {
  open(method, url) {
    this.url = url;
  }
  send() {
    this.response = new Uint8Array(fs.readFileSync(path.join(folder, path.basename(this.url)))).buffer;
  }
}

const worker = { location: { href: "file:///engine_bundle.js" } };
Object.assign(globalThis, { self: worker, WorkerGlobalScope: class {}, XMLHttpRequest });
const { Module } = WebAssembly;
WebAssembly.Module = function (bytes) {
  // A module that begins with a memory asks whether one of 64 bits is possible: the engine for it is not here.
  if (bytes[8] === 5) throw new WebAssembly.CompileError("32 bits only");
  return new Module(bytes);
};
console.log = console.warn = console.error;
vm.runInThisContext(fs.readFileSync(path.join(folder, "engine_bundle.node.js"), "utf8"));
let client;
const port = { postMessage: (data) => client.write(data) };
worker.onmessage({ data: port });
net
  .createServer((connection) => {
    client = connection;
    connection.on("data", (data) => port.onmessage({ data: new Uint8Array(data) }));
  })
  .listen(socket, () => fs.writeSync(1, "ready\n"));
process.stdin.resume().on("end", () => process.exit(0));
