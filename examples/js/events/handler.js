// Says hello at the level of events: it hears one, and answers with one call.

const fields = { "content-type": "text/plain; charset=utf-8" };

export default {
  on: {
    READY: ({ session }) => session.resp.send(200, fields, "Hello from JavaScript!\n"),
  },
};
