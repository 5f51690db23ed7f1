# METADATA
# title: Warehouse
# description: |
#   What agents may do with the tools of an MCP server. They may look at stock and order small quantities; larger orders
#   are held for finance. Tools without a rule are blocked, which also leaves them out of the list that agents get.
package rules.warehouse

free_up_to := 50

allow contains {"rule": "read"} if input.action.tool == "read_stock"

# Arguments are what the agent sent: the server's schema has not been applied yet.
quantity := input.action.arguments.quantity if {
	input.action.tool == "order"
	is_number(input.action.arguments.quantity)
	input.action.arguments.quantity > 0
}

allow contains {"rule": "small-order"} if quantity <= free_up_to

hold contains {
	"rule": "large-order",
	"reason": $"An order of {quantity} is over the {free_up_to} that agents may order by themselves.",
	"reviewers": ["finance"],
	"expires_in": "30m",
} if quantity > free_up_to

block contains {"rule": "unclear-order", "reason": "The quantity of an order must be a number above 0."} if {
	input.action.tool == "order"
	not input.action.listing
	not quantity
}

# The first line matters: without it, the rule would block every message that calls no tool.
block contains {"rule": "other-tool", "reason": $"Agents may not use {tool}. Ask a person in the warehouse."} if {
	tool := input.action.tool
	not tool in {"read_stock", "order"}
}
