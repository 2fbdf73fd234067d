// Says hello, with ?name=Ada to Ada.

import { Request, Response, serve } from "../../../sdk-as/assembly";
export { on_event, receive_buffer, subscriptions } from "../../../sdk-as/assembly";

serve((request: Request, response: Response): void => {
  const name = request.queryVar("name");
  response.text(200, "Hello, " + (name != null && name.length > 0 ? name : "world") + "!\n");
});
