"""The page's own files."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

FOLDER = Path(__file__).with_name("page")
FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}


def routes() -> list[Route]:
    return [Route(path, _respond) for path in FILES]


async def _respond(request: Request) -> Response:
    name, kind = FILES[request.url.path]
    return FileResponse(FOLDER / name, media_type=kind)
