# METADATA
# title: Whether OPA answers a request to itself
# description: |
#   For proxies that can ask with headers alone. OPA asks this before it answers anything, and answers 401 where it does not
#   hold, so that the status of any answer is the decision.
package system.authz

default allow := false

allow if {
	data.proxy.allow with input as {
		"method": input.headers["X-Forwarded-Method"][0],
		"uri": input.headers["X-Forwarded-Uri"][0],
		"authorization": input.headers.Authorization[0],
		"content_type": object.get(input.headers, "Content-Type", [""])[0],
	}
}
