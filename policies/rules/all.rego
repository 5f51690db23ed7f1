# METADATA
# title: All systems
# description: Rules that are asked for every call, whatever the system, beside the system's own.
package rules.all

is_safe if input.action.method in {"GET", "HEAD", "OPTIONS", "TRACE"}

# Agents may say how sure they are of a call (`Agent-Context: confidence=0.6`). It is their own claim: it can make a
# call wait, and never lets one through. An estimate is marked as such, so that it only ever makes the terms of plain
# rules stricter, and so that reports can tell the two apart.
sure_enough := 0.85

hold contains {
	"rule": "unsure-agent",
	"trigger": "probabilistic",
	"reason": $"The agent itself gives this call a confidence of {input.context.confidence}, below {sure_enough}.",
} if {
	input.context.confidence < sure_enough
	not is_safe
}

# A flag such as `flags=(suspected-injection)` is an agent's, or its framework's, way of asking for help.
hold contains {
	"rule": "flagged",
	"trigger": "probabilistic",
	"reason": $"The agent raised: {concat(", ", sort(input.context.flags))}.",
} if {
	input.context.flags != []
	not is_safe
}
