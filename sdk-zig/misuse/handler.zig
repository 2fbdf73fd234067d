//! Does by its path what a handler must not do, to show how that is told.

const std = @import("std");
const sluice = @import("sluice");

pub const panic = sluice.panic;

/// A second write, once the answer is complete.
fn writeAfterEnd(response: *sluice.Response) !void {
    try response.text(200, "complete\n");
    try response.write("more");
}

/// Fewer bytes than were announced.
fn wrongLength(response: *sluice.Response) !void {
    try response.begin(200, &.{sluice.field("content-length", "10")});
    try response.write("short");
    try response.end();
}

/// A second head. The error is caught, and the answer that has begun goes on.
fn doubleHead(response: *sluice.Response) !void {
    try response.begin(200, &.{});
    try response.write("first\n");
    response.begin(500, &.{}) catch |err| try response.write(@errorName(err));
    try response.end();
}

fn block() noreturn {
    var i: u32 = 0;
    while (true) @as(*volatile u32, &i).* += 1;
}

fn handle(request: *sluice.Request, response: *sluice.Response) !void {
    const path = request.path;
    if (std.mem.eql(u8, path, "/write-after-end")) return writeAfterEnd(response);
    if (std.mem.eql(u8, path, "/wrong-length")) return wrongLength(response);
    if (std.mem.eql(u8, path, "/double-head")) return doubleHead(response);
    if (std.mem.eql(u8, path, "/throw")) sluice.fail(@src(), "thrown");
    if (std.mem.eql(u8, path, "/block")) block();
    if (std.mem.eql(u8, path, "/")) return response.text(200, "fine\n");
}

comptime {
    sluice.serve(handle);
}
