# METADATA
# title: Whether a call that a proxy asks about may pass
# description: |
#   A proxy tells method, path with query, and two headers of the call. The answer is the decision of Holdpoint's policies
#   on that call, except that proxies pass no body on: every POST is taken for the same small refund.
package proxy

allow if {
	data.holdpoint.verdict == "allow" with input as call
}

uri := split(input.uri, "?")

# "/payments/v1/refunds": the first is empty, the second the system.
parts := split(uri[0], "/")

path := substring(uri[0], count(parts[1]) + 1, -1)

segments := array.slice(parts, 2, count(parts))

default query := {}

query := urlquery.decode_object(uri[1])

call := {
	"principal": data.agents[input.authorization],
	"action": action,
	"resource": {"type": parts[count(parts) - 1], "id": null},
	"context": {"time": "2026-11-21T00:00:00.000Z", "ip": "127.0.0.1", "flags": [], "claims": {}},
}

action := {
	"system": parts[1],
	"operation": $"{input.method} {path}",
	"method": input.method,
	"path": path,
	"segments": segments,
	"query": query,
	"headers": {"content-type": input.content_type},
	"protocol": "http",
} if {
	input.method != "POST"
} else := {
	"system": parts[1],
	"operation": $"{input.method} {path}",
	"method": input.method,
	"path": path,
	"segments": segments,
	"query": query,
	"headers": {"content-type": input.content_type},
	"protocol": "http",
	"body_bytes": 85,
	"body": {"charge": "ch_3Rd000000000000000002", "amount": 2000, "metadata": {"ticket": "T-1042"}},
}
