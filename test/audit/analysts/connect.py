"""Queries the endpoint with clickhouse-connect, as an analyst does, and prints the results as JSON."""

import json
import sys
from urllib.parse import urlparse

import clickhouse_connect
from clickhouse_connect.driver.exceptions import DatabaseError

url, user, token = sys.argv[1:]
address = urlparse(url)


def connect(**more):
    return clickhouse_connect.get_client(
        host=address.hostname, port=address.port, username=user, password=token, **more
    )


def code(statement):
    try:
        client.command(statement)
    except DatabaseError as error:
        return str(error).split("code: ")[1].split(",")[0]
    return None


client = connect(database="holdpoint")
rows = client.query(
    "SELECT agent, count() AS n, argMin(rules, seq), argMin((confidence,), seq).1 FROM events"
    " WHERE agent IN ('bot-0', 'bot-1') GROUP BY agent ORDER BY agent"
).result_rows
many = "SELECT toString(number) FROM numbers(100000)"
print(
    json.dumps(
        {
            "database": client.command("SELECT currentDatabase()"),
            "protocol": client.protocol_version,
            "rows": rows,
            "parameters": client.query(
                "SELECT {s:String}, {a:Array(UInt8)}", parameters={"s": "it's\n", "a": [1, 2]}
            ).result_rows[0],
            "compressions": {
                name or "none": len(connect(compress=name or False).query(many).result_rows)
                for name in ("zstd", "lz4", "gzip", "deflate", None)
            },
            "magic": {
                name: client.raw_query("SELECT * FROM events LIMIT 5", fmt=name)[:4].decode()
                for name in ("Parquet", "Arrow")
            },
            "tables": client.command("SHOW TABLES").split(),
            "refused": [
                code("DROP TABLE events"),
                code("SELECT * FROM system.processes"),
                code("SELECT * FROM nowhere"),
            ],
        }
    )
)
