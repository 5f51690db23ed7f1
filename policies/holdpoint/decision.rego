# METADATA
# title: The decision on one call
# description: |
#   Gathers what the rules for all systems and the rules of the called system say, and lets the strictest verdict win:
#   any block over any hold, any hold over any allow, and block when no rule matched. Entries are passed on as they are;
#   the gateway reads their terms and turns an entry that it cannot read into a refusal.
package holdpoint

# Naming the packages by lookup keeps the cost of a decision independent of how many systems there are.
packages := {"all", input.action.system}

blocks[name] := entries if {
	some name in packages
	entries := data.rules[name].block
	entries != set()
}

holds[name] := entries if {
	some name in packages
	entries := data.rules[name].hold
	entries != set()
}

drifts[name] := entries if {
	some name in packages
	entries := data.rules[name].drift
	entries != set()
}

allows[name] := entries if {
	some name in packages
	entries := data.rules[name].allow
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
