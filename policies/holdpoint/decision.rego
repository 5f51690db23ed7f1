# METADATA
# title: The decision on one call
# description: |
#   Gathers what the rules for all systems and the rules of the called system say, and lets the strictest verdict win:
#   any block over any hold, any hold over any allow, and block when no rule matched. Entries are passed on as they are;
#   the gateway reads their terms and turns an entry that it cannot read into a refusal.
package holdpoint

# Both packages are named, never searched for: the cost of a decision does not depend on how many systems there are.

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

default verdict := "block"

verdict := "block" if {
	blocks != {}
} else := "block" if {
	# Level 4 is "block and alert": a hold that nobody may approve.
	some entries in holds
	some entry in entries
	entry.level == 4
} else := "hold" if {
	holds != {}
} else := "allow" if {
	allows != {}
}

# The system stands in the decision so that an input which could not be read leaves the decision undefined: rules that
# say `not` would otherwise be satisfied by an input that is not there.
decision := {
	"verdict": verdict,
	"system": input.action.system,
	"block": blocks,
	"hold": holds,
	"allow": allows,
}

# Asked when a call has been answered, if there are rules for it: what they find contradicts the decision.
drift := {
	"system": input.action.system,
	"found": drifts,
}
