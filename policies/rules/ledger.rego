# METADATA
# title: Ledger
# description: |
#   A service of your own that ignores the case of JSON names, as decoders in Go and .NET do: it reads "Amount" as
#   "amount". Rules compare names exactly, so any other spelling of a name that they read is blocked.
package rules.ledger

# All names of the body that rules in this package read.
names := {"amount", "account"}

allow contains {"rule": "read"} if input.action.method in {"GET", "HEAD"}

allow contains {"rule": "small-entry"} if {
	input.action.method == "POST"
	input.action.segments == ["entries"]
	is_string(input.action.body.account)
	input.action.body.amount <= 100
}

# Go also takes the long s for s and the Kelvin sign for k.
spelled(name) := lower(replace(replace(name, "\u017f", "s"), "\u212a", "k"))

block contains {
	"rule": "other-spelling",
	"reason": $"Write {spelled(name)} in small letters, not {name}.",
} if {
	some name, _ in input.action.body
	spelled(name) in names
	not name in names
}
