// A small library. It forgets what it is given: every request meets a clean instance.
//
//     curl 'localhost:8080/books?after=1900'
//     curl localhost:8080/books --json '{"title":"Ulysses","year":1922}'

const books = [
  { id: 1, title: "Middlemarch", year: 1871 },
  { id: 2, title: "Invisible Cities", year: 1972 },
  { id: 3, title: "Solaris", year: 1961 },
];

export default {
  fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/books") return shelf(request, searchParams);
    const [, id] = /^\/books\/([^/]+)$/.exec(pathname) ?? [];
    return id === undefined ? fail(404, "not found") : book(request, Number(id));
  },
};

function shelf(request, params) {
  switch (request.method) {
    case "GET":
    case "HEAD":
      return list(params.get("after"));
    case "POST":
      return add(request);
  }
  return fail(405, "not allowed", { allow: "GET, HEAD, POST" });
}

function list(after) {
  if (after === null) return Response.json({ books });
  if (!/^-?\d+$/.test(after)) return fail(400, "after is not a year");
  return Response.json({ books: books.filter((book) => book.year > Number(after)) });
}

async function add(request) {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/json\s*(;|$)/i.test(type)) return fail(415, "application/json is wanted");
  let book;
  try {
    book = await request.json();
  } catch {
    return fail(400, "the body is not JSON");
  }
  const { title, year } = book ?? {};
  if (typeof title !== "string" || title === "" || !Number.isInteger(year)) return fail(400, "a title and a year are wanted");
  const id = books.length + 1;
  return Response.json({ id, title, year }, { status: 201, headers: { location: `/books/${id}` } });
}

function book(request, id) {
  if (request.method !== "GET" && request.method !== "HEAD") return fail(405, "not allowed", { allow: "GET, HEAD" });
  const found = books.find((book) => book.id === id);
  return found ? Response.json(found) : fail(404, "no such book");
}

function fail(status, error, headers = {}) {
  return Response.json({ error }, { status, headers });
}
