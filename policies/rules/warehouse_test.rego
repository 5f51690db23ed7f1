package rules.warehouse_test

import data.holdpoint.decision

message(method, more) := {
	"action": object.union(
		{
			"system": "warehouse",
			"operation": $"mcp:{method}",
			"method": "POST",
			"path": "/mcp",
			"segments": ["mcp"],
			"protocol": "mcp",
			"query": {},
			"mcp": {"method": method, "era": "modern"},
			"body_bytes": 200,
		},
		more,
	),
	"context": {"flags": []},
}

call(tool, arguments) := message("tools/call", {"operation": tool, "tool": tool, "arguments": arguments})

test_allows_reading_stock if {
	decision.verdict == "allow" with input as call("read_stock", {"item": "bolts"})
}

test_allows_a_small_order if {
	decision.verdict == "allow" with input as call("order", {"item": "bolts", "quantity": 50})
}

test_holds_a_large_order_for_finance if {
	result := decision with input as call("order", {"item": "bolts", "quantity": 51})
	result.verdict == "hold"
	some held in result.hold.warehouse
	held.rule == "large-order"
	held.reviewers == ["finance"]
}

test_blocks_an_order_without_a_clear_quantity if {
	every arguments in [{}, {"quantity": "51"}, {"quantity": -1}, {"quantity": [51]}, {"Quantity": 51}] {
		result := decision with input as call("order", arguments)
		some blocked in result.block.warehouse
		blocked.rule == "unclear-order"
	}
}

test_blocks_a_tool_without_a_rule if {
	decision.verdict == "block" with input as call("write_off", {"item": "bolts"})
}

listing(tool) := message("tools/call", {"tool": tool, "listing": true})

test_lists_the_tools_that_agents_may_use if {
	every tool in ["order", "read_stock"] {
		decision.block == {} with input as listing(tool)
	}
}

test_leaves_other_tools_out_of_the_list if {
	decision.block != {} with input as listing("write_off")
}

test_lets_the_messages_of_the_protocol_pass if {
	every method in ["initialize", "server/discover", "tools/list", "ping", "notifications/initialized", "stream"] {
		decision.verdict == "allow" with input as message(method, {})
	}
}

test_blocks_resources_since_no_rule_covers_them if {
	decision.verdict == "block" with input as message("resources/read", {})
}
