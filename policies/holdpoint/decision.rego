# METADATA
# title: The decision on one call
# description: |
#   Collects the entries of the rules for all systems and of those for the called system. The strictest verdict wins:
#   any block over any hold, any hold over any allow, and block when no rule matched. Entries are passed on unchanged;
#   the gateway reads their terms and refuses the call if it cannot.
package holdpoint

# Both packages are named, not searched for, so that a decision costs the same however many systems there are.

blocks["all"] := entries if {
	entries := data.rules.all.block
	entries != set()
}

blocks[system] := entries if {
	system := input.action.system
	entries := data.rules[system].block
	entries != set()
}

holds["all"] := entries if {
	entries := data.rules.all.hold
	entries != set()
}

holds[system] := entries if {
	system := input.action.system
	entries := data.rules[system].hold
	entries != set()
}

allows["all"] := entries if {
	entries := data.rules.all.allow
	entries != set()
}

allows[system] := entries if {
	system := input.action.system
	entries := data.rules[system].allow
	entries != set()
}

drifts["all"] := entries if {
	entries := data.rules.all.drift
	entries != set()
}

drifts[system] := entries if {
	system := input.action.system
	entries := data.rules[system].drift
	entries != set()
}

# What only keeps MCP going needs no rule, and no person can approve it: only a block counts. The same holds for what a
# server asks of its client.
keeps_mcp_going if input.action.mcp.method in {
	"initialize",
	"ping",
	"server/discover",
	"subscriptions/listen",
	"logging/setLevel",
	"tools/list",
	"prompts/list",
	"resources/list",
	"resources/templates/list",
	"tasks/list",
	"tasks/get",
	"tasks/result",
	"tasks/update",
	"tasks/cancel",
	"response",
	"stream",
	"end-session",
}

keeps_mcp_going if startswith(input.action.mcp.method, "notifications/")

keeps_mcp_going if input.action.mcp.from == "server"

default verdict := "block"

verdict := "block" if {
	blocks != {}
} else := "block" if {
	# Level 4 is "block and alert": a hold that no reviewer may approve.
	some entries in holds
	some entry in entries
	entry.level == 4
} else := "allow" if {
	keeps_mcp_going
} else := "hold" if {
	holds != {}
} else := "allow" if {
	allows != {}
}

# Without the rules that do not count.
matched := {"hold": {}, "allow": {"holdpoint": {{"rule": "mcp"}}}} if {
	keeps_mcp_going
	verdict == "allow"
} else := {"hold": holds, "allow": allows}

# The system is part of the decision so that a missing input leaves the decision undefined. Otherwise rules with `not`
# would match an input that is not there.
decision := {
	"verdict": verdict,
	"system": input.action.system,
	"block": blocks,
	"hold": matched.hold,
	"allow": matched.allow,
}

# Evaluated after a call was answered, if there are drift rules: their findings contradict the decision.
drift := {
	"system": input.action.system,
	"found": drifts,
}
