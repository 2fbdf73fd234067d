// Sends the body of a request back while it still comes in, and its trailers as trailers.

import { Request, Response, serve } from "../../../sdk-as/assembly";
export { on_event, receive_buffer, subscriptions } from "../../../sdk-as/assembly";

serve((request: Request, response: Response): void => {
  response.setHeader("content-type", request.header("content-type") || "application/octet-stream");
  response.begin(200);
  for (let piece = request.read(); piece != null; piece = request.read()) response.write(piece);
  response.end(request.trailers);
});
