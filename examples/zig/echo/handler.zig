//! Sends the body of a request back while it still comes in, and its trailers as trailers.

const sluice = @import("sluice");

pub const panic = sluice.panic;

fn handle(request: *sluice.Request, response: *sluice.Response) !void {
    const content_type = try request.header("content-type") orelse "application/octet-stream";
    try response.begin(200, &.{sluice.field("content-type", content_type)});
    while (try request.read()) |piece| try response.write(piece);
    try response.endWith(request.trailers);
}

comptime {
    sluice.serve(handle);
}
