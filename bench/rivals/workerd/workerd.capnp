# workerd with the handler of hello.js. The address is given by the one who starts it (--socket-addr).
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(
    name = "main",
    worker = (modules = [(name = "hello.js", esModule = embed "hello.js")], compatibilityDate = "2026-10-01")
  )],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);
