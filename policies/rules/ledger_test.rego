package rules.ledger_test

import data.holdpoint.decision

entry(body) := {
	"action": {
		"system": "ledger",
		"operation": "POST /entries",
		"method": "POST",
		"path": "/entries",
		"segments": ["entries"],
		"query": {},
		"body": body,
		"body_bytes": 20,
	},
	"context": {"flags": []},
}

test_allows_a_small_entry if {
	decision.verdict == "allow" with input as entry({"account": "4711", "amount": 100, "note": "x"})
}

test_blocks_a_large_entry if {
	decision.verdict == "block" with input as entry({"account": "4711", "amount": 101})
}

test_blocks_a_name_in_other_letters_that_a_reader_without_case_takes_for_one_it_knows if {
	every name in ["Amount", "AMOUNT", "aMOUNT"] {
		result := decision with input as entry({"account": "4711", name: 99999})
		some blocked in result.block.ledger
		blocked.rule == "other-spelling"
	}
}
