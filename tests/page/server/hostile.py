"""Requests that no page sends, as bytes: each is made from a number, so that one that fails can be made again."""

import gzip
import json
import random
from dataclasses import dataclass
from urllib.parse import quote

MARKER = "zq7privatewords"  # in whatever is sent as text: no log may hold it
VISITOR = "c" * 32
MODEL = "note-rnn-2"
NAMES = ("generate", "score", "next_char", "models", "nobody", "predict", "", "..", "%2e%2e", "lambda", "on_score")
READ = (
    *("", "config", "config/", "theme.css", "favicon.ico", "robots.txt", "manifest.json", "preview.png", "healthz"),
    *(f"gradio_api/{name}" for name in ("info", "app_id", "theme.css", "startup-events", "queue/data", "heartbeat/")),
    *("training/state", "training/events", "training/text", "training/ask", "training/", "download/all", "download/"),
    *(f"download/{MODEL}.safetensors", f"download/{MODEL}.zip", "download/mine-0123456789abcdef.zip"),
    *("static/", "assets/", "svelte/", "static/img/logo.svg", "monitoring", "openapi.json", "docs"),
)
SENT = (
    *(f"gradio_api/{name}" for name in ("queue/join", "component_server", "cancel", "reset", "upload", "queue/data")),
    *("training/text", "training/ask", "training/state", "login", "gradio_api/process_recording"),
)
CALLED = ("call", "call/v2", "run", "api")
BELOW = (
    "static",
    "assets",
    "svelte",
    "gradio_api/file=",
    "gradio_api/file",
    "gradio_api/proxy=",
    "download",
    "training",
)
TRAVERSALS = (
    *("../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "..%2f..%2fetc%2fpasswd", "..%5c..%5cetc", "%00", "x%00.js"),
    *("/etc/passwd", "//etc/passwd", "C:%5c", "~root", "a" * 5_000, "%ff%fe", "%", "%zz", "index.html%3fx", ";x=1"),
)
METHODS = ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "G" * 300, "HEAD")
TYPES = (
    *("application/json", "application/json; charset=utf-16", "text/plain", "application/x-www-form-urlencoded", ""),
    *(
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "application/octet-stream",
        "\u00ff/\u00ff",
        "x" * 2_000,
    ),
)
HEADERS = (
    *(
        ("Host", value)
        for value in ("evil.example", "", "a b", "[::1", "x" * 4_000, f"{MARKER}.example", "127.0.0.1:0")
    ),
    *(("Origin", value) for value in ("null", "https://evil.example", "http://", MARKER, "\u00ff")),
    *(("Cookie", value) for value in ("deeprnn-visitor=" + VISITOR, f"deeprnn-visitor={MARKER}", "=;=;", "a" * 8_000)),
    *(("Cookie", value) for value in (f'deeprnn-visitor="{VISITOR}"', "access-token=x; access-token-unsecure=y")),
    *(
        ("Range", value)
        for value in ("bytes=0-0", "bytes=-1", "bytes=5-1", "bytes=" + "0-1," * 900, "x=1", "bytes=a-b")
    ),
    *(("Range", f"bytes=0-{10**30}"), ("If-Range", MARKER), ("If-None-Match", "*"), ("If-None-Match", MARKER * 100)),
    *(("If-Modified-Since", MARKER), ("Accept-Encoding", "br;q=x, gzip;q=-1"), ("Accept-Encoding", "," * 2_000)),
    *(
        ("Accept-Language", "zh" * 900),
        ("Accept-Language", "\u00ff;q=\u00ff"),
        ("Accept", MARKER),
        ("User-Agent", MARKER),
    ),
    *(("X-Forwarded-For", "1.2.3.4, " * 200), ("X-Forwarded-Host", f"{MARKER}.example"), ("X-Forwarded-Proto", "ftp")),
    *(("X-Forwarded-Host", "a/b\\c"), ("X-Forwarded-Prefix", "/x"), ("Forwarded", "for=[::1"), ("Via", MARKER)),
    *(("X-Gradio-User", "api"), ("X-Gradio-Target", MARKER), ("X-HTTP-Method-Override", "DELETE"), ("Referer", MARKER)),
    *(("Connection", "close, upgrade"), ("Upgrade", "websocket"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABk")),
    *(("Expect", "100-continue"), ("Expect", MARKER), ("Sec-Fetch-Site", "cross-site"), ("Authorization", "Basic x")),
    *(("Content-Encoding", "gzip"), ("TE", "trailers"), ("Trailer", "X"), ("Max-Forwards", "-1"), ("Date", MARKER)),
)
# Of a request that is not whole, or no HTTP: the server may close the connection instead of answering.
BROKEN = (
    *("no_blank_line", "short_body", "negative_length", "two_lengths", "odd_length", "huge_length", "bad_chunk"),
    *("cut_chunk", "length_and_chunks", "bad_line", "old_version", "nul_in_header", "bare_line_feed", "huge_header"),
)


@dataclass(frozen=True)
class Hostile:
    """One request. whole: whether it is HTTP to its end."""

    kind: str
    method: str
    sent: bytes
    whole: bool = True


def text(rng):
    """A text that something may take for more than a text."""
    return rng.choice(
        (
            *(MARKER, "", f"{MARKER}\0", f"\ud800{MARKER}", f"{MARKER}\u202e\ufeff", f"骨头{MARKER}🙂", MARKER * 4_000),
            *("../" * 20 + MARKER, f"{MARKER}\r\nX-Header: y", f"%s%n%x{{0}}${{7*7}}{MARKER}", f"<b>{MARKER}</b>"),
            *(f"'; DROP TABLE x; -- {MARKER}", f"{{{{7*7}}}}{MARKER}", f"__import__('os').system('{MARKER}')", MODEL),
            *("mine-0123456789abcdef", "null", "undefined", "__proto__", "constructor", "1e999", "𝟙", "a\u0301" * 500),
        )
    )


def value(rng, depth=0):
    """Any value of JSON, and those of JavaScript that Python takes for JSON."""
    scalars = (None, True, False, 0, -1, 0.5, 10**400, -(10**400), 1e308, 2**63, -0.0, float("nan"), float("inf"))
    kind = rng.randrange(8 if depth < 4 else 5)
    if kind < 3:
        return rng.choice(scalars)
    if kind < 5:
        return text(rng)
    if kind == 5:
        return [value(rng, depth + 1) for _ in range(rng.choice((0, 1, 3, 40)))]
    if kind == 6:
        return {text(rng)[:60]: value(rng, depth + 1) for _ in range(rng.choice((0, 1, 4)))}
    nested = MARKER
    for _ in range(rng.choice((20, 90, 400))):
        nested = [nested] if rng.random() < 0.5 else {"data": nested}
    return nested


def spoilt(rng, fields):
    """An object with some of its fields changed, taken out or added."""
    for name in list(fields):
        chance = rng.random()
        if chance < 0.3:
            fields[name] = value(rng)
        elif chance < 0.38:
            del fields[name]
    if rng.random() < 0.2:
        added = rng.choice(("request", "event_id", "batched", "simple_format", "oauth_token", "trigger_id", MARKER))
        fields[added] = value(rng)
    return fields


def asked(rng, path, functions, served):
    """An object as the address takes it, more or less.

    functions: the ids of the page's functions, with how many values each takes. served: the components and names of
    functions that scripts call.
    """
    session = rng.choice((f"{MARKER}-{rng.randrange(40)}", "", "a b", "../x", text(rng)))
    if path.endswith("component_server"):
        component, name = rng.choice(served)
        data = rng.choice(({"models": [MODEL], "context": MARKER}, {"name": MODEL}, {"kind": "md", "value": {}}))
        fields = {"data": spoilt(rng, data), "component_id": component, "fn_name": name, "session_hash": session}
    elif path.endswith(("cancel", "reset")):
        fields = {"session_hash": session, "fn_index": rng.choice(list(functions)), "event_id": MARKER}
    elif path.startswith("training"):
        options = {"cell": "gru", "layers": 1, "hidden": 8, "residual": None, "form": "full", "minutes": 1, "epochs": 3}
        do = rng.choice(("estimate", "start", "stop", "resume", "remove", "keep", "leave", "_text", "__init__"))
        fields = {"do": do, "source": MARKER, "title": MARKER, "key": "0" * 16, "options": spoilt(rng, options)}
    elif "/call/v2/" in path:
        fields = {"prompt": MARKER, "models": [MODEL], "max_chars": 3, "temperature": 0, "text": MARKER}
    elif path.endswith("generate"):
        fields = {"data": [value(rng) if rng.random() < 0.4 else one for one in (MARKER, [MODEL], 3, 0, 0, 1, 0)]}
    else:
        function = rng.choice(list(functions))
        count = rng.choice((functions[function], functions[function], functions[function], 0, 1, 50))
        fields = {"data": [value(rng) for _ in range(count)], "fn_index": function, "session_hash": session}
        fields |= {"trigger_id": rng.randrange(300)} if rng.random() < 0.5 else {"event_data": value(rng)}
    return spoilt(rng, fields)


def body(rng, fields):
    """An object as the bytes of a request, often not as JSON is written."""
    whole = json.dumps(fields, ensure_ascii=rng.random() < 0.5)
    encoded = whole.encode("utf-8", "surrogatepass")
    cut = rng.randrange(len(encoded) or 1)
    return rng.choice(
        (
            *(encoded,) * 8,
            *(encoded[:cut], encoded[:cut] + b"\xff\0" + encoded[cut:], b"\xef\xbb\xbf" + encoded, encoded * 2),
            *(whole.encode("utf-16", "surrogatepass"), gzip.compress(encoded, mtime=0), b"", b"null", b'"' + encoded),
            *(
                b"[" * 100_000,
                b'{"a":' * 50_000,
                b"1" * 5_000,
                MARKER.encode() * 100,
                b"a=1&data=[1]",
                bytes(range(256)),
            ),
            b'--x\r\nContent-Disposition: form-data; name="data"; filename="zq7privatewords"\r\n\r\nx\r\n--x--\r\n',
        )
    )


def target(rng, assets):
    """The address of a request to read; assets: addresses of files that the page names."""
    kind = rng.randrange(6)
    if kind == 0:
        return f"{rng.choice(BELOW)}/{rng.choice(TRAVERSALS)}"
    if kind == 1:
        name, event = rng.choice(NAMES), rng.choice((MARKER, "0" * 32, "%00", quote(text(rng)[:200], errors="replace")))
        return f"gradio_api/{rng.choice(CALLED[:2])}/{name}/{event}"
    if kind == 2:
        return f"gradio_api/heartbeat/{rng.choice((MARKER, '%00', 'a%2fb', 'x' * 3_000, MARKER + '/x'))}"
    path = rng.choice(assets) if kind == 3 else rng.choice(READ)
    names = ("session_hash", "deep_link", "page", "lang", "view", "models", "prompt", "text", "seed", "__theme", MARKER)
    query = "&".join(f"{rng.choice(names)}={quote(text(rng), errors='replace')}" for _ in range(rng.randrange(4)))
    return path + (f"?{query[:30_000]}" if query else "")


def request(number, functions, served, assets):
    """The hostile request of a number; functions, served: see `asked`; assets: see `target`."""
    rng = random.Random(number)
    posted = rng.random() < 0.6
    if posted:
        path = f"gradio_api/{rng.choice(CALLED)}/{rng.choice(NAMES)}" if rng.random() < 0.4 else rng.choice(SENT)
        sent = body(rng, asked(rng, path, functions, served))
    else:
        path, sent = target(rng, assets), b""
    method = "POST" if posted else "GET"
    if rng.random() < 0.1:
        method = rng.choice((*METHODS, "GET", "POST"))
    headers = [("Host", "127.0.0.1"), *(rng.choice(HEADERS) for _ in range(rng.choice((0, 0, 1, 1, 3))))]
    if sent:
        usual = rng.random() < 0.7
        headers.append(("Content-Type", "application/json" if usual else rng.choice(TYPES)))
    others = [one for one in headers[1:] if one[0] == "Host"]
    if others:  # one name of the host
        headers = [*others[:1], *(one for one in headers if one[0] != "Host")]
    kind = f"{method[:8]} {'/'.join(path.split('?')[0].split('/')[:2])[:40]}"
    if rng.random() < 0.12:
        broken = rng.choice(BROKEN)
        return Hostile(f"{broken}", method, _broken(broken, method, path, headers, sent), whole=False)
    if sent and rng.random() < 0.15:
        return Hostile(kind, method, _head(method, path, [*headers, ("Transfer-Encoding", "chunked")]) + _chunks(sent))
    return Hostile(kind, method, _head(method, path, [*headers, ("Content-Length", str(len(sent)))]) + sent)


def _head(method, path, headers, version="HTTP/1.1"):
    lines = [f"{method} /{path} {version}", *(f"{name}: {one}" for name, one in headers)]
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"


def _chunks(sent):
    pieces = [sent[at : at + 7_000] for at in range(0, len(sent), 7_000)]
    return b"".join(b"%x;a=b\r\n%b\r\n" % (len(one), one) for one in pieces) + b"0\r\n\r\n"


def _broken(kind, method, path, headers, sent):
    length, chunked = [*headers, ("Content-Length", str(len(sent)))], [*headers, ("Transfer-Encoding", "chunked")]
    more = {
        "negative_length": "-1",
        "odd_length": f"1{MARKER}",
        "huge_length": str(10**30),
        "short_body": str(len(sent) + 10),
    }
    if kind in more:
        return _head(method, path, [*headers, ("Content-Length", more[kind])]) + sent
    whole = _head(method, path, length) + sent
    return {
        "no_blank_line": whole[:40],
        "two_lengths": _head(method, path, [*length, ("Content-Length", "3")]) + sent,
        "bad_chunk": _head(method, path, chunked) + b"zz\r\n" + sent,
        "cut_chunk": _head(method, path, chunked) + b"ffff\r\n" + sent[:9],
        "length_and_chunks": _head(method, path, [*length, ("Transfer-Encoding", "chunked")]) + _chunks(sent),
        "bad_line": f"{method} {MARKER}\r\n\r\n".encode("latin-1", "replace"),
        "old_version": _head(method, path, length, "HTTP/9.9") + sent,
        "nul_in_header": _head(method, path, [*length, ("X", f"{MARKER}\0")]) + sent,
        "bare_line_feed": whole.replace(b"\r\n", b"\n"),
        "huge_header": _head(method, path, [*length, ("X", MARKER * 8_000)]) + sent,
    }[kind]
