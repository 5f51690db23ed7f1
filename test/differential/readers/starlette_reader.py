"""What FastAPI (Starlette) reads in a request, in every way that its documentation shows."""
import json
import sys
from urllib.parse import parse_qs
import uvicorn
from fastapi import FastAPI, Request

app = FastAPI()


@app.api_route("/{path:path}", methods=["GET", "POST"])
async def read(path: str, request: Request):
    body = await request.body()
    amounts = {"query_params, all": request.query_params.getlist("amount")}
    try:
        value = await request.json()
        amounts["json, whatever the type"] = value.get("amount") if isinstance(value, dict) else None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        amounts["form, all"] = [str(each) for each in (await request.form()).getlist("amount")]
    except Exception:
        pass
    amounts["urllib's parse_qs of the body, whatever the type"] = parse_qs(body.decode("latin-1")).get("amount")
    return {"amounts": amounts, "paths": {"path parameter": [""] + path.split("/"), "url.path": request.url.path.split("/")}}


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
