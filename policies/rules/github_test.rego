package rules.github_test

import data.holdpoint.decision

call(method, path) := {
	"action": {
		"system": "github",
		"operation": $"{method} {path}",
		"method": method,
		"path": path,
		"segments": split(trim(path, "/"), "/"),
		"query": {},
	},
	"context": {"flags": []},
}

test_allows_reading if {
	decision.verdict == "allow" with input as call("GET", "/repos/octo/hello/issues")
}

test_allows_issues_and_comments if {
	every path in [
		"/repos/octo/hello/issues",
		"/repos/octo/hello/issues/1/comments",
		"/repos/octo/hello/pulls/1/comments",
	] {
		decision.verdict == "allow" with input as call("POST", path)
	}
}

test_holds_a_merge_for_maintainers if {
	result := decision with input as call("PUT", "/repos/octo/hello/pulls/7/merge")
	result.verdict == "hold"
	some entry in result.hold.github
	entry.reviewers == ["maintainers"]
	entry.reason == "Merging pull request 7 into octo/hello changes what is released."
}

test_blocks_deleting_even_a_comment if {
	decision.verdict == "block" with input as call("DELETE", "/repos/octo/hello/issues/comments/1")
}

test_blocks_what_no_rule_covers if {
	decision.verdict == "block" with input as call("POST", "/repos/octo/hello/forks")
}
