# workerd with the Worker of handlers.js, as its README configures it. The address is given by whoever starts it (--socket-addr).
# One process has one thread for JavaScript and sockets, by design: who wants more processors starts more of them behind a
# balancer.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(
    name = "main",
    worker = (modules = [(name = "handlers.js", esModule = embed "handlers.js")], compatibilityDate = "2026-10-01")
  )],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);
