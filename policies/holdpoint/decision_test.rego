package holdpoint_test

import data.holdpoint.decision
import data.holdpoint.drift

call := {"action": {"system": "crm"}}

entry := {"rule": "r"}

test_blocks_when_no_rule_matches if {
	decision.verdict == "block" with input as call with data.rules as {}
}

test_block_wins_over_hold_and_allow if {
	some name in ["crm", "all"]
	rules := object.union({"crm": {"hold": {entry}, "allow": {entry}}}, {name: {"block": {entry}}})
	decision.verdict == "block" with input as call with data.rules as rules
}

test_hold_wins_over_allow if {
	decision.verdict == "hold" with input as call with data.rules as {"all": {"hold": {entry}}, "crm": {"allow": {entry}}}
}

test_allows_what_only_allow_rules_match if {
	decision.verdict == "allow" with input as call with data.rules as {"crm": {"allow": {entry}, "hold": set()}}
}

test_a_hold_of_level_4_blocks if {
	rules := {"crm": {"hold": {{"rule": "r", "level": 4}}, "allow": {entry}}}
	decision.verdict == "block" with input as call with data.rules as rules
}

test_asks_no_other_system if {
	decision.verdict == "block" with input as call with data.rules as {"payments": {"allow": {entry}}}
}

test_carries_every_rule_that_matched if {
	rules := {"all": {"allow": {{"rule": "a"}}}, "crm": {"allow": {{"rule": "b"}}, "hold": {{"rule": "c"}}}}
	result := decision with input as call with data.rules as rules
	result.allow == {"all": {{"rule": "a"}}, "crm": {{"rule": "b"}}}
	result.hold == {"crm": {{"rule": "c"}}}
}

test_is_undefined_without_a_readable_input if {
	not decision with input as {}
}

test_gathers_what_drift_rules_of_all_systems_and_of_the_called_one_find if {
	rules := {"all": {"drift": {{"rule": "a"}}}, "crm": {"drift": {{"rule": "b"}}}, "payments": {"drift": {entry}}}
	drift.found == {"all": {{"rule": "a"}}, "crm": {{"rule": "b"}}} with input as call with data.rules as rules
}

test_finds_no_drift_without_rules if {
	drift.found == {} with input as call with data.rules as {"crm": {"drift": set()}}
}

test_drift_is_undefined_without_a_readable_input if {
	not drift with input as {}
}
