"""One server under measurement, in a process of its own: `python -m tests.bench.host service|baseline PORT`.

The baseline is the least that a Python service can do: FastAPI on the same server settings, the body parsed with
orjson, one constant card. To each line on standard input a host answers with what it has used so far.
"""

from __future__ import annotations

import resource
import sys
import threading

import orjson
import uvicorn
from fastapi import FastAPI, Request, Response

CARD = {
    "uuid": "4e0a3a1e-3519-11e7-a919-92ebcb67fe33",
    "summary": "Constant card",
    "indicator": "info",
    "source": {"label": "Baseline"},
}


def baseline() -> FastAPI:
    """A bare FastAPI app."""
    app = FastAPI()

    @app.post("/cds-services/{service_id}")
    async def answer(service_id: str, request: Request) -> Response:
        orjson.loads(await request.body())
        return Response(orjson.dumps({"cards": [CARD]}), media_type="application/json")

    return app


def report() -> None:
    """CPU seconds (user and system, all threads) and the highest resident size in bytes, one JSON line per request."""
    unit = 1 if sys.platform == "darwin" else 1024
    for _ in sys.stdin:
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(orjson.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss * unit]).decode(), flush=True)


def main() -> None:
    """Serve until stopped."""
    kind, port = sys.argv[1], int(sys.argv[2])
    threading.Thread(target=report, daemon=True).start()
    if kind == "baseline":
        uvicorn.run(baseline(), host="127.0.0.1", port=port, access_log=False, server_header=False, log_level="warning")
    else:
        from cds_service.app import run_server

        run_server(sandbox=True, host="127.0.0.1", port=port)


if __name__ == "__main__":
    main()
