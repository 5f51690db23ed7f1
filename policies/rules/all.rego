# METADATA
# title: All systems
# description: Rules for every call, in addition to those of its system.
package rules.all

is_safe if input.action.method in {"GET", "HEAD", "OPTIONS", "TRACE"}

# Agents may say how sure they are of a call (`Agent-Context: confidence=0.6`). That is only a claim: it can hold a call,
# never allow one. Marked as an estimate, it can only make the terms of plain rules stricter, and reports count it apart.
sure_enough := 0.85

hold contains {
	"rule": "unsure-agent",
	"trigger": "probabilistic",
	"reason": $"The agent itself gives this call a confidence of {input.context.confidence}, below {sure_enough}.",
} if {
	input.context.confidence < sure_enough
	not is_safe
}

# With a flag such as `flags=(suspected-injection)`, an agent or its framework asks for help.
hold contains {
	"rule": "flagged",
	"trigger": "probabilistic",
	"reason": $"The agent raised: {concat(", ", sort(input.context.flags))}.",
} if {
	input.context.flags != []
	not is_safe
}
