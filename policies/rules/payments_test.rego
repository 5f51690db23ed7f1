package rules.payments_test

import data.holdpoint.decision

read(path) := {"action": {
	"system": "payments",
	"operation": $"GET {path}",
	"method": "GET",
	"path": path,
	"segments": split(trim(path, "/"), "/"),
	"query": {},
	"body_bytes": 0,
}}

refund(body) := {
	"action": {
		"system": "payments",
		"operation": "POST /v1/refunds",
		"method": "POST",
		"path": "/v1/refunds",
		"segments": ["v1", "refunds"],
		"query": {},
		"body": body,
		"body_bytes": 20,
	},
	"context": {"flags": []},
}

patched(input_value, action) := object.union(input_value, {"action": action})

rules(entries) := {entry.rule | some entry in entries.payments}

test_allows_reading if {
	decision.verdict == "allow" with input as read("/v1/customers")
}

test_allows_a_small_refund if {
	every amount in ["1", "0", "5000", 5000] {
		decision.verdict == "allow" with input as refund({"charge": "ch_1", "amount": amount})
	}
}

test_holds_a_refund_over_the_limit if {
	result := decision with input as refund({"charge": "ch_1", "amount": "20000"})
	result.verdict == "hold"
	some entry in result.hold.payments
	entry.rule == "refund-over-limit"
	entry.reason == "A refund of 200.00 is over the 50.00 that agents may refund by themselves."
	entry.reviewers == ["finance"]
}

test_holds_every_refund_under_the_same_terms_and_says_that_it_is_final if {
	every body in [{"amount": "20000"}, {"charge": "ch_1"}] {
		result := decision with input as refund(body)
		some entry in result.hold.payments
		entry.reversible == false
		entry.editable == ["/amount"]
		entry.escalate == [{"after": "10m", "to": ["finance-leads"]}]
	}
}

test_holds_up_to_the_upper_limit_and_blocks_above_it if {
	decision.verdict == "hold" with input as refund({"amount": "100000"})
	decision.verdict == "block" with input as refund({"amount": "100001"})
}

test_holds_a_refund_of_the_whole_charge if {
	result := decision with input as refund({"charge": "ch_1"})
	result.verdict == "hold"
	rules(result.hold) == {"refund-of-whole-charge"}
}

test_blocks_the_largest_amounts_with_a_reason if {
	result := decision with input as refund({"amount": "999999999999"})
	some entry in result.block.payments
	contains(entry.reason, "9999999999.99")
}

test_knows_the_older_path if {
	older := {
		"operation": "POST /v1/charges/{id}/refund",
		"path": "/v1/charges/ch_1/refund",
		"segments": ["v1", "charges", "ch_1", "refund"],
	}
	decision.verdict == "hold" with input as patched(refund({"amount": "20000"}), older)
}

test_blocks_an_amount_that_is_none if {
	every amount in ["-1", "5e3", "50.5", " 50", "", ["1", "2"], {"a": "1"}, null, -1, 50.5, true, false] {
		result := decision with input as refund({"amount": amount})
		result.verdict == "block"
		rules(result.block) == {"unclear-refund"}
	}
}

test_blocks_an_amount_outside_the_body if {
	decision.verdict == "block" with input as patched(refund({"charge": "ch_1"}), {"query": {"amount": "20000"}})
}

test_blocks_a_body_that_is_no_object if {
	every body in [["amount"], "amount", 5000, null, false] {
		result := decision with input as patched(refund({}), {"body": body})
		result.verdict == "block"
		rules(result.block) == {"unclear-refund"}
	}
}

test_blocks_a_body_that_policy_cannot_see if {
	hidden := json.remove(refund({}), ["action/body"])
	decision.verdict == "block" with input as hidden
}

test_blocks_other_writes_and_says_which if {
	result := decision with input as patched(refund({}), {
		"operation": "POST /v1/payouts",
		"path": "/v1/payouts",
		"segments": ["v1", "payouts"],
	})
	result.verdict == "block"
	some entry in result.block.payments
	contains(entry.reason, "POST /v1/payouts")
}

test_a_refund_costs_what_goes_back_to_the_customer if {
	result := decision with input as refund({"amount": "1250"})
	some allowed in result.allow.payments
	allowed.cost == {"amount": 12.5, "unit": "USD"}
	held := decision with input as refund({"amount": 20000})
	some entry in held.hold.payments
	entry.cost == {"amount": 200, "unit": "USD"}
}
