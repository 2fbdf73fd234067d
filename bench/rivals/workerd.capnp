# workerd with the handler of hello.js. The socket is handed over by the parent (--socket-fd).
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(
    name = "main",
    worker = (modules = [(name = "hello.js", esModule = embed "hello.js")], compatibilityDate = "2026-10-01")
  )],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);
