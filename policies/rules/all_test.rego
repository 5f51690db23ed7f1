package rules.all_test

import data.rules.all

call(method, context) := {"action": {"method": method}, "context": object.union({"flags": []}, context)}

names := {entry.rule | some entry in all.hold}

test_holds_what_the_agent_is_unsure_of if {
	names == {"unsure-agent"} with input as call("POST", {"confidence": 0.84})
}

test_has_no_objection_to_a_sure_agent if {
	names == set() with input as call("POST", {"confidence": 0.85})
}

test_has_no_objection_to_an_agent_that_claims_nothing if {
	names == set() with input as call("POST", {})
}

test_lets_an_unsure_agent_read if {
	names == set() with input as call("GET", {"confidence": 0.1, "flags": ["odd"]})
}

test_holds_a_flagged_call_and_names_the_flags if {
	some entry in all.hold with input as call("DELETE", {"flags": ["odd", "late"]})
	entry.reason == "The agent raised: late, odd."
}

test_marks_estimates_as_such if {
	triggers := {entry.rule: entry.trigger | some entry in all.hold} with input as call("POST", {
		"confidence": 0.1,
		"flags": ["odd"],
	})
	triggers == {"unsure-agent": "probabilistic", "flagged": "probabilistic"}
}
