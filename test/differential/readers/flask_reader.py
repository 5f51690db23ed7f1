"""What Flask (Werkzeug) reads in a request, in every way that its documentation shows."""
import sys
from flask import Flask, jsonify, request

app = Flask(__name__)


def member(value):
    return value.get("amount") if isinstance(value, dict) else None


@app.route("/", defaults={"path": ""}, methods=["GET", "POST"])
@app.route("/<path:path>", methods=["GET", "POST"])
def read(path):
    amounts = {
        "get_json": member(request.get_json(silent=True)),
        "form": request.form.get("amount"),
        "form, all": request.form.getlist("amount"),
        "args, all": request.args.getlist("amount"),
        "values": request.values.get("amount"),
    }
    return jsonify(amounts=amounts, paths={"PATH_INFO": request.path.split("/"), "route": [""] + path.split("/")})


@app.route("/-/forced", methods=["POST"])
def forced():
    return jsonify(amounts={"get_json, forced": member(request.get_json(force=True, silent=True))}, paths={})


if __name__ == "__main__":
    app.run("127.0.0.1", int(sys.argv[1]), threaded=True)
