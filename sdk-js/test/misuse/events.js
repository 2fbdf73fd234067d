// What handlers of events do wrong, a path each. internal/e2e/misuse_javascript_test.go says what is due, by lines of this
// file.

export default {
  on: {
    HEADER_READY({ session, head }) {
      const { resp } = session;
      switch (head.path) {
        case "/write-after-end":
          resp.send(200, {}, "complete\n");
          resp.sendData("more"); // line 11
          return;
        case "/double-head":
          resp.sendHead();
          resp.sendHead(); // line 15
          return;
        case "/wrong-length":
          resp.sendHead(200, { "content-length": "5" });
          resp.sendData("0123456789"); // line 19
          return;
        case "/too-short":
          resp.sendHead(200, { "content-length": "5" });
          resp.sendEnd(); // line 23
          return;
        case "/late-listener":
          session.req.on("DATA_READY", () => {}); // line 26
          return;
      }
      resp.send(200, {}, "hello\n");
    },
  },
};
